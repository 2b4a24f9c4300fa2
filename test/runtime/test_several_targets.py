"""The tracking thread with several targets: starts, limits, catching up, detectors, collisions."""

import itertools
import math
from types import SimpleNamespace

import numpy as np
import pytest

from tracker_ros import load_tracker
from tracker_ros.conversions import bgr_to_compressed, bgr_to_image, ns_to_stamp
from tracker_ros.core.geometry.boxes import overlap
from tracker_ros.runtime import frame_slot
from tracker_ros.runtime.frame_slot import FrameSlot
from tracker_ros.runtime.outputs.status import frame_check, target_checks
from tracker_ros.runtime.requests import Detection, Policy, Proposal, Start, Starts
from tracker_ros.runtime.worker import Worker
from tracker_ros.sources.bag.typestore import bag_message as make

from .conftest import STEP, Recorder, stamps


@pytest.fixture(scope="module")
def tracker():
    return load_tracker("dastm_nano")


class Stage:
    """A worker that is turned by the test, frame by frame."""

    def __init__(self, tracker, party, **policy):
        self.slot, self.sink = FrameSlot(history=10.0, time_jump=0.5), Recorder()
        self.worker = Worker(tracker, self.slot, self.sink, itertools.count(1), Policy(**policy))
        self.party = party
        self.index = -1
        self.stamp_of = lambda index: (index + 1) * STEP

    def show(self, image=None, track=True):
        """The next frame, and its answer."""
        self.index += 1
        stamp = self.stamp_of(self.index)
        image = self.party.frame(self.index) if image is None else image
        header = make("std_msgs/msg/Header", stamp=ns_to_stamp(stamp, make))
        message = bgr_to_image(image, header, make)
        self.slot.put(message, stamp, len(message.data))
        if not track:
            return None
        self.worker.turn()
        return self.sink.answers[-1]

    def ask(self, request):
        """Serve a request with the frames that are there; the last answer."""
        self.worker.request(request)
        self.worker.turn()
        return self.sink.answers[-1] if self.sink.answers else None

    def start(self, who: int, **values) -> Start:
        index = values.pop("index", self.index)
        return Start(self.party.box(who, index), (index + 1) * STEP, **values)

    def problems(self, subject: str) -> list[str]:
        return [text for about, text in self.sink.problems if about == subject and text]

    def agree(self, answer, whose: dict[str, int], index=None):
        """Whether each id lies on its picture."""
        index = self.index if index is None else index
        boxes = {one.target.id: one.box for one in answer.targets if one.box}
        return boxes.keys() == whose.keys() and all(
            overlap(box, self.party.box(whose[one], index)) > 0.5 for one, box in boxes.items()
        )


@pytest.fixture
def stage(tracker, party, request):
    made = Stage(tracker, party, **getattr(request, "param", {"max_targets": 3}))
    yield made
    made.worker._forget()


def test_three_targets_are_followed_by_one_call_of_the_engine(stage, monkeypatch):
    stage.show()
    answer = stage.ask(Starts((stage.start(0), stage.start(1, id="cat"), stage.start(2))))
    assert [one.target.id for one in answer.targets] == ["1", "cat", "2"]
    engine, calls = stage.worker._tracker.engine, []
    usual = engine.locate_all

    def counted(queries):
        calls.append(len(queries))
        return usual(queries)

    monkeypatch.setattr(engine, "locate_all", counted)
    for _ in range(15):
        answer = stage.show()
        assert stage.agree(answer, {"1": 0, "cat": 1, "2": 2})
    assert calls == [3] * 15
    assert stamps(stage.sink) == sorted(stamps(stage.sink))
    assert all(one.memory_size > 1 for one in answer.targets)


def test_more_than_the_limit_are_named_not_dropped_silently(stage):
    stage.show()
    starts = [stage.start(0), stage.start(1), stage.start(2), stage.start(0, id="four")]
    answer = stage.ask(Starts(tuple(starts)))
    assert len(answer.targets) == 3
    (problem,) = stage.problems("inits")
    assert problem == (
        "target four: the box was not started on: 3 targets are tracked already, and max_targets"
        " is 3"
    )


@pytest.mark.parametrize("broken", [1, 3])
def test_a_start_on_the_first_frame_waits_for_one_that_can_be_decoded(stage, broken):
    """As ``init_bbox`` asks for it."""
    stage.worker.request(Start(stage.party.box(0, broken)), patience=math.inf)
    stage.worker.turn()
    for index in range(broken + 1):
        header = make("std_msgs/msg/Header", stamp=ns_to_stamp((index + 1) * STEP, make))
        message = bgr_to_compressed(stage.party.frame(index), header, make=make)
        if index < broken:
            message.data = message.data[:2000]
        stage.slot.put(message, (index + 1) * STEP, len(message.data))
        for _ in range(2):  # while no other comes, the broken one is not tried again
            stage.worker.turn()
    (answer,) = stage.sink.answers
    assert stage.agree(answer, {"1": 0}, broken)
    assert stage.problems("init") == []
    assert len(stage.problems("ERROR")) == broken and "truncated" in stage.problems("ERROR")[0]


@pytest.mark.parametrize("stage", [{}], indirect=True)
def test_one_target_is_the_default_limit(stage):
    stage.show()
    assert len(stage.ask(Starts((stage.start(0), stage.start(1)))).targets) == 1
    assert "max_targets is 1" in stage.problems("inits")[0]
    # The one there is may start afresh.
    answer = stage.ask(Starts((stage.start(1, id="1"),)))
    assert stage.agree(answer, {"1": 1})


def test_a_live_id_starts_afresh_and_an_unusable_box_leaves_all_as_it_is(stage):
    stage.show()
    stage.ask(Starts((stage.start(0, id="a"), stage.start(1, id="b"))))
    stage.show()
    outside = Start((900.0, 0.0, 20.0, 20.0), id="a")
    stage.ask(Starts((outside, stage.start(2, id="b"))))
    assert "target a: box (900, 0, 20, 20) lies outside" in stage.problems("inits")[0]
    assert stage.agree(stage.show(), {"a": 0, "b": 2})


def test_any_start_that_succeeds_ends_the_complaint_about_one_that_failed(stage):
    stage.show()
    outside = Start((900.0, 0.0, 20.0, 20.0))
    for bad, good in ((Starts((outside,)), stage.start(0)), (outside, Starts((stage.start(1),)))):
        stage.sink.problems.clear()
        stage.ask(bad)
        (failed,) = (subject for subject, text in stage.sink.problems if text)
        assert failed in ("init", "inits")
        stage.ask(good)
        assert stage.sink.problems[-2:] == [("init", None), ("inits", None)]


def test_gates_are_told_once_though_frames_are_answered_again(stage):
    stage.show()
    stage.ask(Starts((stage.start(0, id="old"),)))
    for _ in range(8):
        stage.show()
    told = sum(answer.gate is not None for answer in stage.sink.answers)
    count = len(stage.sink.answers)
    stage.ask(Starts((stage.start(1, id="new", index=3),)))
    again = stage.sink.answers[count:]
    assert told > 1 and len(again) == 6
    # All but the newest frame, to which the old one has come, too.
    assert all(answer.gate is None for answer in again[:-1])
    assert any(one.gate for answer in again for one in answer.others)


def test_a_number_that_somebody_bears_is_not_given_again(stage):
    stage.show()
    answer = stage.ask(Starts((stage.start(0, id="1"), stage.start(1))))
    assert [one.target.id for one in answer.targets] == ["1", "2"]


def test_a_start_in_the_past_catches_up_beside_the_others(stage):
    stage.show()
    stage.ask(Starts((stage.start(0, id="old"),)))
    for _ in range(8):
        stage.show()
    before = {a.frame.stamp: a.box for a in stage.sink.answers}
    count = len(stage.sink.answers)
    stage.ask(Starts((stage.start(1, id="new", index=3),)))
    again = stage.sink.answers[count:]
    assert [a.frame.stamp // STEP for a in again] == [4, 5, 6, 7, 8, 9]
    for answer in again:
        assert answer.target.id == "old" and answer.box == before[answer.frame.stamp]
        index = answer.frame.stamp // STEP - 1
        assert stage.agree(answer, {"old": 0, "new": 1}, index)
    assert stage.agree(stage.show(), {"old": 0, "new": 1})


def test_a_start_on_a_frame_that_others_have_not_seen_yet_gives_one_answer_for_all(stage):
    stage.show()
    stage.ask(Starts((stage.start(0, id="a"),)))
    count = len(stage.sink.answers)
    stage.show(track=False)
    answer = stage.ask(Starts((stage.start(1, id="b"),)))
    assert stage.agree(answer, {"a": 0, "b": 1})
    assert len(stage.sink.answers) == count + 1


def test_a_lone_start_replaces_all_and_reset_and_remove_forget(stage):
    stage.show()
    stage.ask(Starts((stage.start(0, id="a"), stage.start(1, id="b"))))
    assert not stage.worker.remove("c")
    assert stage.worker.remove("a")
    assert stage.agree(stage.show(), {"b": 1})
    answer = stage.ask(stage.start(2, id="c"))
    assert stage.agree(answer, {"c": 2})
    stage.ask(Starts((stage.start(0, id="a"),)))
    assert stage.worker.reset()
    answer = stage.show()
    assert (answer.target, answer.others, answer.state) == (None, (), "NO_TARGET")


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
    checks = [frame_check(answer, None, 0, 0), *target_checks(answer)]
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


DETECTOR = {"max_targets": 3, "auto_init_new": True}


def seen(stage, *whose, shift=0.0, kind="thing"):
    boxes = [stage.party.box(who, stage.index) for who in whose]
    found = tuple(Detection((x + shift, y, w, h), kind) for x, y, w, h in boxes)
    return Proposal(found, (stage.index + 1) * STEP)


@pytest.mark.parametrize("stage", [DETECTOR | {"max_targets": 2}], indirect=True)
def test_a_detector_starts_what_is_no_target_yet_up_to_the_limit(stage):
    stage.show()
    stage.ask(Starts((stage.start(0, id="mine"),)))
    stage.show()
    answer = stage.ask(seen(stage, 0, 1, 1, 2))
    assert stage.agree(answer, {"mine": 0, "1": 1})
    stage.show()
    assert len(stage.ask(seen(stage, 0, 1, 2, kind="other")).targets) == 2


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
    while stage.show(stage.party.frame(stage.index + 1, missing=[1, 2])).others[0].state != "LOST":
        assert stage.index < 60
    assert stage.worker._targets.tracks[1].target.id == "b"
    for kind, expected in (("other", 3), ("thing", 3)):
        stage.show(stage.party.frame(stage.index + 1, missing=[2]))
        answer = stage.ask(seen(stage, 0, 1, kind=kind))
        if kind == "other":  # no class of b's: it is somebody new
            assert len(answer.targets) == expected
            stage.worker.remove(answer.targets[-1].target.id)
    assert stage.agree(answer, {"a": 0, "b": 1})


def test_one_of_two_targets_on_one_thing_yields(stage):
    stage.show()
    x, y, w, h = stage.party.box(0, 0)
    loose = Start((x - 5, y - 5, w + 8, h + 8), STEP, id="loose")
    stage.ask(Starts((stage.start(0, id="good"), loose)))
    answers = [stage.show() for _ in range(8)]
    states = [sorted(one.state == "LOST" for one in a.targets) for a in answers]
    assert states[0] == [False, False] and states[-1] == [False, True]
    problem = stage.problems("targets")[0]
    assert "lay on each other" in problem and "was given up as lost" in problem


def test_two_look_alikes_that_cross_do_not_end_as_one(stage):
    """The same picture twice; they meet in the middle, the second passes in front."""

    def places(index):
        return (60.0 + 8 * index, 150.0, 60.0, 60.0), (360.0 - 8 * index, 158.0, 60.0, 60.0)

    def image(index):
        return stage.party.frame(0, boxes=[(0, box) for box in places(index)])

    stage.show(image(0))
    stage.ask(Starts(tuple(Start(box, STEP, id=one) for one, box in zip("ab", places(0),
                                                                        strict=True))))  # fmt: skip
    together = 0
    for index in range(1, 36):
        answer = stage.show(image(index))
        boxes = [one.box for one in answer.targets if one.box]
        on_each_other = len(boxes) == 2 and overlap(*boxes) > 0.7
        together = together + 1 if on_each_other else 0
        assert together <= 5
    # Both pictures have a target, or the one that lost its own says so.
    assert all(max(overlap(box, place) for place in places(35)) > 0.5 for box in boxes)
    assert len(boxes) == 2 or "given up as lost" in " ".join(stage.problems("targets"))
