"""Frames of another size, and targets that are lost for long."""

from types import SimpleNamespace

import numpy as np
import pytest

from tracker_ros.core.geometry.boxes import overlap
from tracker_ros.runtime import frame_slot
from tracker_ros.runtime.outputs.status import frame_check, target_checks
from tracker_ros.runtime.requests import Detection, Proposal, Start, Starts

from ..conftest import STEP


@pytest.mark.parametrize("stage", [{"max_targets": 3, "remove_lost_after": 0.5}], indirect=True)
def test_a_lost_target_is_removed_after_a_while(stage):
    stage.show()
    stage.ask(Starts((stage.start(0, id="a"), stage.start(1, id="b"))))
    stage.show()
    while len((answer := stage.show(stage.party.frame(stage.index + 1, missing=[1]))).targets) == 2:
        assert stage.index < 60
    assert stage.agree(answer, {"a": 0})
    lost = [a for a in stage.sink.answers if [o.state for o in a.others] == ["LOST"]]
    assert len(lost) == 17  # the first after 0.5 s of 33 ms
    # On its search it may come upon the other, which is told from it again.
    assert stage.problems("targets")[-1] == "removed 0.5 s after they were lost: b"


def test_an_image_of_another_size_is_nobodys(stage):
    stage.show()
    stage.ask(Starts((stage.start(0, id="a"), stage.start(1, id="b"))))
    answer = stage.show(np.ascontiguousarray(stage.party.frame(1)[::2, ::2]))
    assert [one.state for one in answer.targets] == ["ERROR", "ERROR"]
    checks = [frame_check(answer, 0), *target_checks(answer)]
    assert all("pixels, but was" in check.message for check in checks)
    assert stage.agree(stage.show(), {"a": 0, "b": 1})


@pytest.mark.parametrize("ahead", [3600, -0.3, "still"])
@pytest.mark.parametrize("stage", [{"remove_lost_after": 0.5}], indirect=True)
def test_a_lost_target_is_removed_as_late_whatever_its_stamps_do(stage, ahead, monkeypatch):
    clock = SimpleNamespace(monotonic=lambda: stage.index * STEP / 1e9)
    monkeypatch.setattr(frame_slot, "time", clock)
    blank = stage.party.frame(0, missing=[0])
    if ahead == "still":
        stage.stamp_of = lambda index: 0
    stage.show()
    stage.ask(Start(stage.party.box(0, 0)))
    while stage.show(blank).state != "LOST":
        assert stage.index < 60
    lost = stage.index
    if ahead != "still":
        stage.show(blank)
        stage.stamp_of = lambda index: (index + 1) * STEP + round(ahead * 1e9)
        for _ in range(2):  # until the new clock is believed
            stage.show(blank, track=False)
    while stage.show(blank).target:
        assert stage.index < 100
    # After 16 frames 0.5 s are over; the next has no target.
    assert stage.index - lost == 17
    assert stage.problems("targets") == ["removed 0.5 s after they were lost: 1"]


@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize("stage", [{"max_targets": 1}], indirect=True)
def test_a_new_size_for_good_drops_the_target_and_a_detector_starts_the_next(stage, lost):
    """Also without ``remove_lost_after``: nobody may be there to reset the node."""
    stage.show()
    stage.ask(stage.start(0))
    while lost and stage.show(stage.party.frame(0, missing=[0])).state != "LOST":
        assert stage.index < 60
    states = []
    for _ in range(4):
        small = np.ascontiguousarray(stage.party.frame(stage.index + 1)[::2, ::2])
        states.append(stage.show(small).state)
        halved = tuple(value / 2 for value in stage.party.box(0, stage.index))
        answer = stage.ask(Proposal((Detection(halved, "thing"),), (stage.index + 1) * STEP))
    assert states == ["ERROR", "ERROR", "ERROR", "TRACKING"]
    assert (answer.target.id, answer.image.shape) == ("2", (180, 240, 3))
    assert overlap(answer.box, halved) > 0.5
    assert stage.problems("targets") == [
        "target 1 was dropped: for 3 frames in a row the image is 240x180 pixels, but was 480x360"
        " when it was initialised"
    ]


@pytest.mark.parametrize(
    "stage", [{"max_targets": 3, "auto_init_new": True, "auto_correct": True}], indirect=True
)
def test_detections_in_an_odd_frame_move_and_start_nothing(stage):
    stage.show()
    stage.ask(stage.start(0, id="a"))
    for _ in range(3):
        for _ in range(2):
            stage.show(np.ascontiguousarray(stage.party.frame(stage.index + 1)[::2, ::2]))
            (track,) = stage.worker._targets.tracks
            before = track.tracker.last_box
            x, y, w, h = before
            for box in ((x + 20, y, w, h), (100.0, 100.0, 40.0, 40.0)):
                stage.ask(Proposal((Detection(box, "thing"),), (stage.index + 1) * STEP))
            assert track.tracker.last_box == before
        assert stage.agree(stage.show(), {"a": 0})
    assert stage.problems("targets") == []


@pytest.mark.parametrize("stage", [{"remove_lost_after": 0.5}], indirect=True)
def test_odd_frames_do_not_keep_a_lost_target(stage):
    stage.show()
    stage.ask(stage.start(0))
    frames = 0
    while stage.show(stage.party.frame(0, missing=[0])).target:
        if stage.sink.answers[-1].state == "LOST":
            stage.show(np.ascontiguousarray(stage.party.frame(0, missing=[0])[::2, ::2]))
            frames += 2
        assert stage.index < 80
    assert frames <= 18
    assert stage.problems("targets") == ["removed 0.5 s after they were lost: 1"]
