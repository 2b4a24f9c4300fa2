"""Corrections from outside: where a target is, or that it is lost."""

import numpy as np
import pytest

from tracker_ros.core.errors import InputError, TrackerError
from tracker_ros.core.state import TargetState
from tracker_ros.core.tracker import Tracker

from .red import BOX, RedEngine, frame


def test_whoever_says_that_it_is_lost_it_is_looked_for_in_its_whole_size(tracker):
    """Half behind something its box has shrunk."""
    tracker.update(frame())
    tracker.correct((60, 40, 10, 20))
    tracker.lose()
    assert tracker.last_box == pytest.approx((55, 40, 20, 20), abs=1.5)
    tracker.lose((30, 30, 10, 10))
    assert tracker.last_box == pytest.approx((25, 25, 20, 20), abs=1.5)


@pytest.mark.parametrize("box", [
    (float("nan"),) * 4, (1, 2, float("inf"), 3), (5, 5, -3, 4), (5, 5, 0, 0), (1e6, 1e6, 5, 5),
    (1, 2, 3), "1,2,3,4", None, {60, 40, 20, 21},
])  # fmt: skip
def test_a_word_that_cannot_be_taken_changes_nothing(tracker, box):
    with pytest.raises(InputError, match="box"):
        tracker.correct(box)
    assert tracker.last_box == BOX
    assert tracker.update(frame()).state is TargetState.TRACKING


def test_a_huge_box_is_taken_for_the_picture(tracker):
    tracker.correct((-1e9, -1e9, 2e9 + 160, 2e9 + 120))
    assert tracker.last_box == (0, 0, 160, 120)


def test_a_target_is_lost_around_a_box_of_numbers(tracker):
    with pytest.raises(InputError, match="not finite"):
        tracker.lose((float("nan"),) * 4)
    assert tracker.update(frame()).state is TargetState.TRACKING
    tracker.lose(np.array((30.0, 30.0, 20.0, 20.0)))
    assert tracker.last_box == (30, 30, 20, 20)


def test_without_a_target_nobody_is_believed():
    tracker = Tracker(RedEngine())
    with pytest.raises(TrackerError, match="call init first"):
        tracker.correct(BOX)
    with pytest.raises(TrackerError, match="call init first"):
        tracker.lose()
