"""Starts of several targets: limits, ids, catching up."""

import math

import numpy as np
import pytest

from tracker_ros.conversions.images import bgr_to_compressed, to_bgr
from tracker_ros.conversions.stamps import ns_to_stamp, stamp_to_ns
from tracker_ros.runtime import decoding
from tracker_ros.runtime.requests import Start, Starts
from tracker_ros.sources.bag.typestore import bag_message as make

from ..conftest import STEP, stamps
from .stage import DETECTOR, seen


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


def test_a_start_that_waits_is_replaced_by_the_next_of_its_id(stage):
    """As of a detector that is faster than starts are made: the boxes of long ago are no news."""
    stage.show()
    problem = "box 3 of init_targets: box of size 0 x 0 has no area"
    stage.worker.request(
        Starts((stage.start(2, id="a"), stage.start(1, id="b")), False, (problem,))
    )
    for _ in range(100):
        stage.worker.request(Starts((stage.start(2, id="a"),)))
    answer = stage.ask(Starts((stage.start(0, id="a"),)))
    assert stage.agree(answer, {"a": 0, "b": 1})
    assert [[one.target.id for one in each.targets] for each in stage.sink.answers[1:]] == [
        ["b"],
        ["b", "a"],
    ]
    assert stage.problems("inits") == [problem]


@pytest.mark.parametrize("stage", [DETECTOR], indirect=True)
@pytest.mark.parametrize("end", ["reset", "stop"])
@pytest.mark.parametrize("who", ["operator", "detector"])
def test_no_more_targets_are_started_once_nobody_wants_them(stage, monkeypatch, who, end):
    stage.show()
    usual, made = stage.worker._targets.start, []

    def start(*values, **more):
        made.append(usual(*values, **more))
        if end == "stop":  # as from another thread
            stage.worker._running = False
        else:
            stage.worker.reset()
        return made[-1]

    monkeypatch.setattr(stage.worker._targets, "start", start)
    starts = Starts((stage.start(0), stage.start(1), stage.start(2)))
    stage.ask(starts if who == "operator" else seen(stage, 0, 1, 2))
    assert len(made) == 1


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


def test_a_start_on_the_first_frame_waits_for_one_that_shows_something(stage):
    stage.worker.request(Start(stage.party.box(0, 2)), patience=math.inf)
    black = np.zeros_like(stage.party.frame(0))
    black[-1, -1] = 255  # as a clock that is drawn into a corner
    for image in (black, black, None):
        stage.show(image, track=False)
        stage.worker.turn()
    assert [answer.target is None for answer in stage.sink.answers[:-1]] == [True]
    assert stage.agree(stage.sink.answers[-1], {"1": 0}, 2)
    assert stage.problems("init") == []
    (waiting,) = set(stage.problems("waiting"))
    assert waiting.startswith("the start waits for another image: box (")
    assert [text for about, text in stage.sink.problems if about == "waiting"][-1] is None


def first_box(stage, index):
    """As ``init_bbox`` asks for it."""
    stage.worker.request(Start(stage.party.box(0, index)), patience=math.inf)
    stage.worker.turn()


def test_a_start_on_the_first_frame_waits_for_one_that_has_the_box(stage):
    x, y, _, _ = stage.party.box(0, 1)
    small = np.ascontiguousarray(stage.party.frame(0)[: int(y), : int(x)])
    first_box(stage, 1)
    assert stage.show(small).target is None
    assert stage.agree(stage.show(), {"1": 0})
    assert stage.agree(stage.show(), {"1": 0})
    assert stage.problems("init") == []
    (waiting,) = set(stage.problems("waiting"))
    assert "lies outside the" in waiting


def test_a_start_on_the_first_frame_is_made_anew_where_the_second_has_another_size(stage):
    odd = np.ascontiguousarray(stage.party.frame(0)[:-8, :-8])
    first_box(stage, 1)
    assert stage.show(odd).target.id == "1"
    assert stage.agree(stage.show(), {"2": 0})
    assert stage.agree(stage.show(), {"2": 0})
    # Once two in a row have one size, a later odd image is nobody's.
    assert stage.show(odd).state == "ERROR"
    assert stage.agree(stage.show(), {"2": 0})
    assert stage.problems("init") == []


def test_a_frame_that_is_waited_with_and_started_on_is_decoded_once(stage, monkeypatch):
    decoded = []

    def counted(message, levels):
        decoded.append(stamp_to_ns(message.header.stamp) // STEP)
        return to_bgr(message, levels)

    monkeypatch.setattr(decoding, "to_bgr", counted)
    first_box(stage, 2)
    for image in (stage.party.frame(0) * 0, stage.party.frame(1) * 0, None, None, None):
        stage.show(image)
    assert stage.agree(stage.sink.answers[-1], {"1": 0})
    assert decoded == [1, 2, 3, 4, 5]
    stage.show(track=False)
    stage.ask(stage.start(1))
    assert decoded == [1, 2, 3, 4, 5, 6]


def test_a_start_on_nothing_is_told(stage):
    stage.show(np.zeros_like(stage.party.frame(0)), track=False)
    stage.ask(Starts((stage.start(0),), alone=True))
    (problem,) = stage.problems("init")
    assert "and what is around it have one colour" in problem


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


def test_a_start_that_fails_answers_no_frame_again(stage):
    stage.show()
    stage.ask(stage.start(0))
    for _ in range(4):
        stage.show()
    count = len(stage.sink.answers)
    outside = Start((900.0, 0.0, 20.0, 20.0), STEP)
    for request in (outside, Starts((outside,)), stage.start(1, frame_id="map")):
        stage.ask(request)
    assert len(stage.sink.answers) == count
    # Nor is the next one left out.
    assert stage.agree(stage.show(), {"1": 0})


def test_gates_are_told_once_though_frames_are_answered_again(stage, catch_up):
    catch_up(math.inf)
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


def test_a_start_in_the_past_catches_up_beside_the_others(stage, catch_up):
    catch_up(math.inf)
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


def test_who_is_removed_before_the_start_was_made_is_not_started(stage):
    """Its frame may not have come yet."""
    stage.show()
    stage.worker.request(Starts((stage.start(0, id="a", index=1), stage.start(1, index=1))))
    stage.worker.turn()
    assert not stage.worker.remove("")
    assert stage.worker.remove("a")
    assert not stage.worker.remove("a")
    stage.show()
    assert stage.agree(stage.show(), {"1": 1})
    stage.worker.request(stage.start(0, id="a", index=3))
    assert stage.worker.remove("a")
    assert stage.agree(stage.show(), {"1": 1})
    assert stage.problems("inits") == stage.problems("init") == []


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("before", ["a", "b"])
def test_who_is_removed_while_the_start_is_made_is_not_there_after_it(
    stage, monkeypatch, alone, before
):
    stage.show()
    stage.ask(Starts((stage.start(1, id=before),)))
    usual = stage.worker._targets.start

    def start(*values, **more):
        track = usual(*values, **more)
        assert stage.worker.remove("a")  # as from another thread
        return track

    monkeypatch.setattr(stage.worker._targets, "start", start)
    stage.ask(stage.start(0, id="a") if alone else Starts((stage.start(0, id="a"),)))
    # One start instead of all has taken the tracker of the only one before.
    assert stage.agree(stage.show(), {"b": 1} if before == "b" and not alone else {})
    assert not stage.worker.remove("a")


def test_a_start_that_failed_leaves_nothing_to_remove(stage):
    stage.show()
    stage.ask(Starts((Start((500.0, 500.0, 20.0, 20.0), id="a"),)))
    assert len(stage.problems("inits")) == 1
    assert not stage.worker.remove("a")
