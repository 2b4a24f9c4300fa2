"""Stamps that jump."""

import pytest

from .calls import STEP, settle


def test_clock_that_goes_back_for_good_drops_the_target(tracker, scene):
    settle(tracker, scene)
    tracker.start(scene.frame(0), scene.box(0))
    old = tracker.stamp
    tracker.stamp = old - 10_000_000_000
    tracker.diagnostics.clear()
    for _ in range(2):
        tracker.send(scene.frame(1))
    _, values = tracker.ask(scene.frame(1))
    assert (values["state"], values["target_id"]) == ("NO_TARGET", "")
    tracker.diagnosis("input", "jumped back in time", last=True)
    tracker.init(scene.box(0), old)  # the frames from before are gone
    tracker.diagnosis("target", "no frame with the stamp")
    tracker.stamp = old
    settle(tracker, scene)


@pytest.mark.parametrize("offsets", [
    [500], [-5], [3600], [-0.05], [500, 500], [500, -5], [-5, -4, -9], ["zero"], ["zero", 500],
    ["zero", "zero"],
])  # fmt: skip
def test_wrong_stamps_are_named_and_the_target_is_tracked_on(tracker, scene, offsets):
    settle(tracker, scene)
    target = tracker.start(scene.frame(0), scene.box(0))
    tracker.ask(scene.frame(1))
    right, wrong = tracker.stamp, []
    tracker.diagnostics.clear()
    for i, offset in enumerate(offsets, 2):
        right += STEP
        wrong.append(0 if offset == "zero" else right + round(offset * 1e9))
        tracker.send(scene.frame(i), stamp=wrong[-1])
    for i in range(2 + len(offsets), 6 + len(offsets)):
        right += STEP
        detections, values = tracker.ask(scene.frame(i), stamp=right)
        assert values["target_id"] == target
        assert tracker.overlap(detections, scene.box(i)) > 0.5
    assert tracker.diagnosis("input", "stamp ", last=True).level == b"\x01"
    assert not set(wrong) & set(tracker.detections)
    assert {tracker.statuses[stamp][-1]["state"] for stamp in wrong} == {"DROPPED"}


def test_clock_that_is_set_ahead_keeps_the_target(tracker, scene):
    target = tracker.start(scene.frame(0), scene.box(0))
    tracker.ask(scene.frame(1))
    tracker.stamp += 3600_000_000_000
    tracker.diagnostics.clear()
    for i in (2, 3):
        tracker.send(scene.frame(i))
    for i in (4, 5):
        detections, values = tracker.ask(scene.frame(i))
        assert values["target_id"] == target
        assert tracker.overlap(detections, scene.box(i)) > 0.5
    tracker.diagnosis("input", "jumped ahead in time by 3600", last=True)
