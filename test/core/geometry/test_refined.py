"""One box of what two networks say: means by hand."""

import numpy as np
import pytest

from tracker_ros.core.geometry.refined import HABIT, Refined, habit, own_box

CELLS = 14


def maps(*boxes):
    """[4, n, n] whose columns, in as many equal parts, tell one of ``boxes`` each."""
    parts = np.repeat(np.array(boxes, np.float32).T, CELLS // len(boxes), axis=1)
    return np.broadcast_to(parts[:, None], (4, CELLS, CELLS))


def test_cells_that_agree_are_believed():
    own = own_box(np.full((CELLS, CELLS), 0.3), maps((10, 20, 50, 100)), (6.5, 6.5))
    assert own == pytest.approx((10, 20, 40, 80))


def test_near_cells_count_and_those_of_a_high_score():
    score, told = np.ones((CELLS, CELLS), np.float32), maps((0, 0, 20, 20), (0, 0, 80, 20))
    near = [own_box(score, told, (column, 6.5))[2] for column in (1, 6.5, 12)]
    assert near == pytest.approx((20, 50, 80), abs=0.5)
    score[:, 7:] = 3
    assert own_box(score, told, (6.5, 6.5))[2] == pytest.approx(65)


def test_where_no_cell_scores_the_near_ones_are_believed():
    own = own_box(np.zeros((CELLS, CELLS)), maps((10, 20, 50, 100)), (6.5, 6.5))
    assert own == pytest.approx((10, 20, 40, 80))


def test_a_box_inside_out_has_a_pixel():
    own = own_box(np.ones((CELLS, CELLS)), maps((50, 9, 10, 9)), (0, 0))
    assert own[2:] == (1, 1)


def test_a_part_of_the_first_views_difference_is_habit():
    assert habit((9, 9, 40, 80), (0, 0, 40, 20)) == pytest.approx((1, 0.25**HABIT))


@pytest.mark.parametrize(
    ("share", "wanted"),
    [(0, (5, 0, 10, 40)), (0.5, (15, 10, 20, 40)), (1, (20, 20, 40, 40))],
)
def test_a_share_of_the_own_box_is_between(share, wanted):
    assert Refined((5, 0, 10, 40), 0.9, (20, 20, 40, 40)).between(share) == pytest.approx(wanted)
