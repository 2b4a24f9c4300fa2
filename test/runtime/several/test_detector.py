"""What a detector may start, correct, contradict and find again."""

import pytest

from tracker_ros.runtime.requests import Detection, Proposal, Starts

from ..conftest import STEP
from .stage import DETECTOR, seen


@pytest.mark.parametrize("stage", [DETECTOR | {"max_targets": 2}], indirect=True)
def test_a_detector_starts_what_is_no_target_yet_up_to_the_limit(stage):
    stage.show()
    stage.ask(Starts((stage.start(0, id="mine"),)))
    stage.show()
    answer = stage.ask(seen(stage, 0, 1, 1, 2))
    assert stage.agree(answer, {"mine": 0, "1": 1})
    stage.show()
    assert len(stage.ask(seen(stage, 0, 1, 2, kind="other")).targets) == 2


@pytest.mark.parametrize("stage", [DETECTOR], indirect=True)
def test_one_thing_at_the_image_s_rim_is_one_target(stage):
    """Though its detector guesses how much of it is outside: three quarters."""
    guessed = Detection((-180.0, 60.0, 240.0, 80.0), "thing")
    for _ in range(3):
        stage.show()
        answer = stage.ask(Proposal((guessed, guessed), (stage.index + 1) * STEP))
    assert len(answer.targets) == 1


@pytest.mark.parametrize("stage", [{"max_targets": 3}], indirect=True)
def test_a_detector_starts_nothing_beside_a_target_unless_told_to(stage):
    stage.show()
    stage.ask(Starts((stage.start(0, id="mine"),)))
    stage.show()
    assert len(stage.ask(seen(stage, 0, 1, 2)).targets) == 1


@pytest.mark.parametrize("stage, moved", [
    ({"auto_correct": True}, True), ({"auto_correct": False}, False),
], indirect=["stage"])  # fmt: skip
def test_a_detector_corrects_where_it_may(stage, moved):
    stage.show()
    stage.ask(stage.start(0, id="mine"))
    stage.show()
    (track,) = stage.worker._targets.tracks
    x, y, w, h = track.tracker.last_box
    # What lies within the agreement is left alone, a little more is corrected.
    stage.ask(seen(stage, 0, shift=2.0))
    assert track.tracker.last_box == (x, y, w, h)
    stage.ask(seen(stage, 0, shift=20.0))
    assert track.tracker.last_box[0] - x == pytest.approx(20.0 if moved else 0.0, abs=4.0)


@pytest.mark.parametrize(
    "stage, states",
    [
        ({"auto_correct": True}, ["TRACKING", "TRACKING", "LOST"]),
        ({"auto_correct": False}, ["TRACKING"] * 3),
    ],
    indirect=["stage"],
)
def test_a_target_on_what_is_of_another_class_is_given_up_after_some_time(stage, states):
    stage.show()
    stage.ask(stage.start(0, id="a", class_id="thing"))
    found = []
    for _ in range(3):
        stage.show()
        stage.ask(seen(stage, 0, kind="other"))
        found.append(stage.show().state)
    assert found == states
    expected = [
        "target a, a thing, lies on what was seen as other 3 times: it was given up as lost"
    ]
    assert stage.problems("detections") == (expected if "LOST" in states else [])


@pytest.mark.parametrize("stage", [{"auto_correct": True}], indirect=True)
def test_what_is_seen_without_a_class_contradicts_nobody(stage):
    stage.show()
    stage.ask(stage.start(0, id="a", class_id="thing"))
    for _ in range(4):
        stage.show()
        stage.ask(seen(stage, 0, kind=""))
        assert stage.show().state == "TRACKING"
    assert stage.problems("detections") == []


@pytest.mark.parametrize("stage", [DETECTOR], indirect=True)
def test_a_detector_finds_a_lost_one_again_beside_the_others(stage):
    stage.show()
    starts = (stage.start(0, id="a", class_id="thing"), stage.start(1, id="b", class_id="thing"))
    stage.ask(Starts(starts))
    stage.show()
    (_, b) = stage.worker._targets.tracks
    while not b.tracker.given_up:
        stage.show(stage.party.frame(stage.index + 1, missing=[1, 2]))
        assert stage.index < 60
    for kind, expected in (("other", 3), ("thing", 3)):
        stage.show(stage.party.frame(stage.index + 1, missing=[2]))
        answer = stage.ask(seen(stage, 0, 1, kind=kind))
        if kind == "other":  # no class of b's: it is somebody new
            assert len(answer.targets) == expected
            stage.worker.remove(answer.targets[-1].target.id)
    assert stage.agree(answer, {"a": 0, "b": 1})


@pytest.mark.parametrize("stage", [DETECTOR], indirect=True)
def test_a_target_that_is_unseen_for_a_moment_is_not_started_anew(stage):
    stage.show()
    stage.ask(Starts((stage.start(0, id="a", class_id="thing"), stage.start(1, id="b"))))
    (_, b) = stage.worker._targets.tracks
    while stage.show(stage.party.frame(stage.index + 1, missing=[1])).others[0].state != "LOST":
        assert stage.index < 60
    assert not b.tracker.given_up
    answer = stage.ask(seen(stage, 1))
    assert [one.target.id for one in answer.targets] == ["a", "b"]
    assert stage.show().others[0].state == "TRACKING"
