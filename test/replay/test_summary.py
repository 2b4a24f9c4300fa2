"""The session's numbers, from outputs whose score is known by hand."""

import math

import numpy as np
import pytest

from tracker_ros.evaluation.metrics import FAILURE
from tracker_ros.replay.summary import Output, losses, overlaps, rows, summarise, verdict

HERE = (10.0, 10.0, 20.0, 20.0)
HALF = (10.0, 10.0, 20.0, 10.0)  # half of HERE
ELSEWHERE = (100.0, 100.0, 20.0, 20.0)
HIDDEN = (math.nan,) * 4


def output(index, box, latency_ms=10.0):
    state = "TRACKING" if box else "LOST"
    return Output(index * 50_000_000, box, 0.9, state, None, latency_ms)


def outputs(*boxes):
    return {index: output(index, box) for index, box in enumerate(boxes)}


def text(numbers):
    return "\n".join(": ".join(row) for row in rows(numbers))


def test_overlap_leaves_hidden_frames_out_and_scores_dropped_ones_with_the_box_before():
    given = outputs(HERE, HALF, HERE, None)
    del given[1]
    given[4] = output(4, HALF)
    truth = {0: HERE, 1: HALF, 2: HIDDEN, 3: HERE, 4: HERE, 5: HERE}
    np.testing.assert_array_equal(overlaps(6, given, truth), [1, 0.5, np.nan, 0, 0.5, 0.5])
    numbers = summarise(6, given, truth)
    assert numbers["mean_overlap"] == pytest.approx(0.5)
    assert numbers["success_auc"] == pytest.approx((20 + 10 + 0 + 10 + 10) / 21 / 5)
    assert "boxes while the target is hidden: 1 of 1" in text(numbers)
    assert (numbers["frames"], numbers["dropped_frames"]) == (6, 2)


def test_rate_and_latency():
    given = {index: output(index, HERE, latency_ms=index) for index in range(101)}
    numbers = summarise(101, given, None)
    assert numbers["frames_per_second"] == pytest.approx(20)
    assert numbers["latency_p50_ms"] == pytest.approx(50)
    assert numbers["latency_p99_ms"] == pytest.approx(99)


def test_without_truth_there_is_no_overlap_and_lost_is_what_the_tracker_says():
    numbers = summarise(4, outputs(HERE, None, None, HERE), None)
    assert not {"mean_overlap", "success_auc", "hidden_frames"} & numbers.keys()
    assert (numbers["times_lost"], numbers["times_recovered"]) == (1, 1)
    assert "overlap" not in text(numbers)


def test_with_truth_following_something_else_is_a_loss():
    boxes = [HERE] + [ELSEWHERE] * FAILURE + [HERE] + [None] * FAILURE
    truth = dict.fromkeys(range(len(boxes)), HERE)
    assert losses(len(boxes), outputs(*boxes), truth) == [(1, FAILURE + 1), (FAILURE + 2, None)]


def test_a_short_miss_or_a_hidden_target_is_no_loss():
    boxes = [HERE] + [ELSEWHERE] * (FAILURE - 1) + [HERE] + [None] * 20 + [HERE]
    truth = dict.fromkeys(range(len(boxes)), HERE)
    truth |= dict.fromkeys(range(FAILURE + 1, FAILURE + 21), HIDDEN)
    assert losses(len(boxes), outputs(*boxes), truth) == []


def test_table_and_verdict_say_that_the_target_was_lost_for_good():
    boxes = [HERE] * 6 + [None] * FAILURE
    numbers = summarise(len(boxes), outputs(*boxes), dict.fromkeys(range(len(boxes)), HERE))
    assert "frame 6" in verdict(numbers)
    assert text(numbers).splitlines() == [
        "frames: 16",
        "mean overlap: 0.375",
        "success AUC: 0.357",
        "lost / recovered: 1 / 0",
        "frames/s: 20.0",
        "image stamp to box, ms, p50 / p99: 10.0 / 10.0",
        "dropped frames: 0",
    ]


def test_verdict_is_silent_where_the_target_was_kept():
    numbers = summarise(2, outputs(HERE, HERE), {0: HERE, 1: HERE})
    assert verdict(numbers) is None
