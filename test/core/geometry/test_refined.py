"""One box of what two networks say: means by hand."""

import math

import numpy as np
import pytest

from tracker_ros.core.geometry.refined import HABIT, both, habit, own_box

CELLS = 14


def maps(*boxes):
    """[4, n, n] whose columns, in as many equal parts, tell one of ``boxes`` each."""
    parts = np.repeat(np.array(boxes, np.float32).T, CELLS // len(boxes), axis=1)
    return np.broadcast_to(parts[:, None], (4, CELLS, CELLS))


def test_cells_that_agree_are_believed():
    x, y, *sides = own_box(np.full((CELLS, CELLS), 0.3), maps((10, 20, 50, 100)), (6.5, 6.5))
    assert (x, y) == pytest.approx((30, 60)) and np.exp(sides) == pytest.approx((40, 80))


def test_near_cells_count_and_those_of_a_high_score():
    score, told = np.ones((CELLS, CELLS), np.float32), maps((0, 0, 20, 20), (0, 0, 80, 20))
    near = [math.exp(own_box(score, told, (column, 6.5))[2]) for column in (1, 6.5, 12)]
    assert near == pytest.approx((20, 50, 80), abs=0.5)
    score[:, 7:] = 3
    assert math.exp(own_box(score, told, (6.5, 6.5))[2]) == pytest.approx(65)


def test_where_no_cell_scores_the_near_ones_are_believed():
    own = own_box(np.zeros((CELLS, CELLS)), maps((10, 20, 50, 100)), (6.5, 6.5))
    assert own == pytest.approx((30, 60, math.log(40), math.log(80)))


def test_a_box_inside_out_has_a_pixel():
    assert own_box(np.ones((CELLS, CELLS)), maps((50, 9, 10, 9)), (0, 0))[2:] == pytest.approx(0)


def test_a_part_of_the_first_views_difference_is_habit_and_none_of_its_place():
    own = np.array([30.0, 60.0, math.log(40), math.log(80)])
    there = habit(own, (0, 0, 40, 20))
    assert there == pytest.approx((0, 0, 0, HABIT * math.log(4)))


TWO = [np.array([*box[:2], *np.log(box[2:])]) for box in ((10, 20, 10, 40), (40, 30, 40, 40))]


@pytest.mark.parametrize(
    ("share", "wanted"),
    [(0, (5, 0, 10, 40)), (0.5, (15, 5, 20, 40)), (1, (20, 10, 40, 40))],
)
def test_a_share_of_the_second_is_between(share, wanted):
    assert both(*TWO, share) == pytest.approx(wanted)
