"""What is memorised, and when."""

from dataclasses import replace

import numpy as np
import pytest

from tracker_ros.core.gate import Gate
from tracker_ros.core.geometry.decode import Prediction
from tracker_ros.core.geometry.refined import Refined
from tracker_ros.core.state import TargetState
from tracker_ros.core.tracker import Tracker

from .red import BOX, CONFIG, GOOD, RedEngine, frame


def test_the_box_is_out_before_the_memory_is_written(tracker):
    result = tracker.locate(frame())
    assert result.gate is None and tracker.memory_size == 1
    assert tracker.engine.steps == ["start", "locate"]
    assert tracker.remember() == Gate((0.0, 1.0, 0.0, 0.0), "se")
    assert tracker.engine.steps == ["start", "locate", "remember"] and tracker.memory_size == 2
    assert tracker.remember() is None and tracker.memory_size == 2  # a frame is remembered once
    assert tracker.update(frame()).gate == Gate((0.0, 1.0, 0.0, 0.0), "se")


@pytest.mark.parametrize(("score", "remembered"), [(0.72, True), (0.68, False), (0.3, False)])
def test_only_confident_frames_are_remembered(tracker, score, remembered):
    tracker.update(frame(score=score))
    assert tracker.memory_size == 1 + remembered


def test_one_frame_of_an_interval_is_remembered():
    tracker = Tracker(RedEngine(replace(CONFIG, memory_interval=3)))
    tracker.init(frame(), BOX)
    scores = [GOOD, GOOD, GOOD, GOOD, GOOD, 0.68, GOOD, GOOD]  # the third; the sixth is too weak
    sizes = []
    for score in scores:
        tracker.update(frame(score=score))
        sizes.append(tracker.memory_size)
    assert sizes == [1, 1, 2, 2, 2, 2, 3, 3]


def test_a_weak_frame_drops_the_one_before_it(tracker):
    tracker.locate(frame())
    tracker.locate(frame(score=0.3))
    assert tracker.remember() is None and tracker.memory_size == 1


@pytest.mark.parametrize(("blend", "learns"), [(0.0, True), (1.0, False)])
def test_a_frame_can_be_memorised_by_what_it_was_ranked_by(blend, learns):
    """At the rim of the cosine window a good score is ranked low."""
    config = replace(CONFIG, memory_blend=blend, window_influence=0.5, memory_score=0.7)
    tracker = Tracker(RedEngine(config))
    tracker.init(frame(), BOX)
    tracker.update(frame((84, 40, 20, 20)))
    assert (tracker.memory_size == 2) == learns


@pytest.mark.parametrize("x", [60, 1])
def test_what_it_was_ranked_by_counts_at_the_pictures_rim_too(x):
    """In the middle of the cosine window a middling score is ranked high."""
    config = replace(CONFIG, memory_blend=1.0, window_influence=0.5, memory_score=0.7)
    tracker = Tracker(RedEngine(config))
    tracker.init(frame((x, 40, 20, 20)), (x, 40, 20, 20))
    result = tracker.locate(frame((x, 40, 20, 20), score=0.6))
    assert result.score < 0.7 and tracker.pending > 0


@pytest.mark.parametrize(("moved", "reused"), [(0, True), (6, True), (24, False)])
def test_a_query_with_the_target_in_its_middle_is_memorised_as_it_is(moved, reused):
    class Reusing(RedEngine):
        reuses = True

    engine = Reusing(replace(CONFIG, memory_size=CONFIG.query_size))
    tracker = Tracker(engine)
    tracker.init(frame(), BOX)
    tracker.update(frame((BOX[0] + moved, *BOX[1:])))
    _, query = engine.log[-2]
    step, crop, box, _ = engine.log[-1]
    assert step == "remember" and (crop is None) == reused
    red = np.argwhere((query if reused else crop)[:, :, 2] > 110)
    (top, left), (bottom, right) = red.min(0), red.max(0) + 1
    assert box == pytest.approx((left, top, right - left, bottom - top), abs=1.5)


@pytest.mark.parametrize(("x", "learned"), [(60, True), (1, False)])
def test_what_leaves_the_picture_is_learned_only_by_its_response(x, learned):
    """A weak response, and a comparison with the first frame that is sure of the target."""
    tracker = Tracker(RedEngine())
    tracker.init(frame((x, 40, 20, 20)), (x, 40, 20, 20))
    score = np.zeros((8, 8), np.float32)
    score[3, 3] = 0.1
    response = np.where(score > 0, np.float32(0.33), np.float32(0))
    refined = Refined((30.0, 30.0, 20.0, 20.0), 0.999, (30.0, 30.0, 20.0, 20.0))
    tracker.engine.answer = Prediction(score, None, response, opinion=0.9, refined=refined)
    result = tracker.locate(frame((x, 40, 20, 20)))
    assert result.state is TargetState.TRACKING and result.score > 0.8
    assert (tracker.pending > 0) is learned
