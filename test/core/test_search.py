"""Where the tracker looks for a lost target."""

import math

import pytest

from tracker_ros.core.search import DIRECTIONS, PATIENCE, sweep

BOX = (100.0, 50.0, 40.0, 10.0)
REACH = 2.0


def radius(box) -> float:
    return math.dist((box[0] + box[2] / 2, box[1] + box[3] / 2), (120.0, 55.0))


def test_looks_at_the_place_itself_first():
    assert all(sweep(BOX, lost, REACH) == BOX for lost in range(PATIENCE + 1))


def test_then_in_rings_that_widen_up_to_three_times_the_reach():
    turns = [
        [sweep(BOX, PATIENCE + turn * (DIRECTIONS + 1) + step, REACH) for step in range(9)]
        for turn in range(5)
    ]
    for turn, boxes in enumerate(turns):
        assert boxes[0] == BOX
        around = [radius(box) for box in boxes[1:]]
        assert around == pytest.approx([REACH * 20 * min(turn + 1, 3)] * DIRECTIONS)


def test_the_size_stays():
    assert all(sweep(BOX, lost, REACH)[2:] == BOX[2:] for lost in range(200))
