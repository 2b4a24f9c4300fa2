"""Targets that share a network and one call of it: what each would get alone."""

import os
import threading

import numpy as np
import pytest

from tracker_ros import load_tracker
from tracker_ros.core.batch import update_all

STARTS = [(40.0, 50.0, 24.0, 24.0), (90.0, 20.0, 30.0, 20.0), (10.0, 80.0, 20.0, 28.0)]


@pytest.fixture(autouse=True)
def no_turns(monkeypatch):
    """All targets do so in every frame, as each would alone."""
    for name in ("RESCALED", "MEMORISED"):
        monkeypatch.setattr(f"tracker_ros.core.batch.{name}", len(STARTS))


def in_turn(tracker, frames, start):
    tracker.init(frames[0], start)
    return [tracker.update(frame) for frame in frames[1:]]


def assert_close(ours, theirs):
    assert ours.box == pytest.approx(theirs.box, abs=2e-3) and ours.state is theirs.state
    assert ours.score == pytest.approx(theirs.score, abs=1e-5)
    assert ours.gate.branch == theirs.gate.branch


@pytest.mark.parametrize("engine", ["torch", "onnx"])
def test_a_batch_of_targets_is_tracked_as_one_by_one(files, clip, engine):
    tracker = load_tracker(files.weights, engine=engine)
    frames = clip[0]
    alone = [in_turn(tracker, frames, start) for start in STARTS]
    crowd = [tracker.fork() for _ in STARTS]
    for one, start in zip(crowd, STARTS, strict=True):
        one.init(frames[0], start)
    for index, frame in enumerate(frames[1:]):
        for ours, theirs in zip(update_all(crowd, [frame] * 3), alone, strict=True):
            assert_close(ours, theirs[index])
    assert not np.allclose(alone[0][-1].box, alone[1][-1].box)


@pytest.mark.parametrize("engine", ["torch", "onnx"])
def test_targets_that_remember_different_numbers_of_frames(files, clip, engine):
    """One that came later has a smaller memory: it cannot share the others' call."""
    tracker = load_tracker(files.weights, engine=engine)
    frames = clip[0]
    alone = [in_turn(tracker, frames, STARTS[0]), in_turn(tracker, frames[3:], STARTS[1])]
    crowd = [tracker.fork(), tracker.fork()]
    crowd[0].init(frames[0], STARTS[0])
    for frame in frames[1:4]:
        crowd[0].update(frame)
    crowd[1].init(frames[3], STARTS[1])
    for index, frame in enumerate(frames[4:]):
        results = update_all(crowd, [frame, frame])
        assert_close(results[0], alone[0][index + 3])
        assert_close(results[1], alone[1][index])


def test_torch_makes_one_call_of_targets_that_remember_equally_much(files, clip, monkeypatch):
    tracker = load_tracker(files.weights, engine="torch")
    crowd = [tracker.fork() for _ in STARTS]
    for one, start in zip(crowd, STARTS, strict=True):
        one.init(clip[0][0], start)
    runner, calls = tracker.engine.runner, []
    run = runner.run
    monkeypatch.setattr(
        runner,
        "run",
        lambda step, *inputs: calls.append((step, len(inputs[0]))) or run(step, *inputs),
    )
    update_all(crowd, [clip[0][1]] * 3)
    assert calls == [("locate", 3), ("remember", 3)]


@pytest.mark.parametrize("engine", ["torch", "onnx"])
def test_what_is_learned_online_answers_a_batch_as_one_by_one(together_and_alone, engine):
    pairs = together_and_alone(load_tracker("dastm_nano", engine=engine))
    assert [ours.refined is not None for ours, _ in pairs] == [True, False, True]
    for ours, theirs in pairs:
        np.testing.assert_allclose(ours.response, theirs.response, atol=1e-4)
        assert ours.change == pytest.approx(theirs.change, abs=1e-4)
        assert (ours.other is None) == (theirs.other is None) == (ours.refined is None)
        if ours.refined is not None:
            np.testing.assert_allclose(ours.other, theirs.other, atol=1e-4)
            assert ours.opinion == pytest.approx(theirs.opinion, abs=1e-4)
            assert ours.refined.box == pytest.approx(theirs.refined.box, abs=0.01)
    strengths = [ours.strength for ours, _ in pairs]
    assert len(set(strengths)) == 3 and min(strengths) > 0.3


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
def test_onnx_runtime_works_on_two_targets_at_the_same_time(files):
    runner = load_tracker(files.weights, engine="onnx").engine.runner
    both = threading.Barrier(2)
    assert sorted(runner.each(lambda item: (item, both.wait(60)), "ab")) in (
        [("a", 0), ("b", 1)],
        [("a", 1), ("b", 0)],
    )
