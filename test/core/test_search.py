import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker_ros.core.search import DIRECTIONS, PATIENCE, sweep

BOX = (100.0, 50.0, 40.0, 10.0)  # sqrt(w * h) = 20


def offset(lost_frames, reach=2.0):
    x, y, w, h = sweep(BOX, lost_frames, reach)
    assert (w, h) == BOX[2:]
    return x - BOX[0], y - BOX[1]


@pytest.mark.parametrize("lost_frames", [0, 1, PATIENCE])
def test_patience_at_the_place_itself(lost_frames):
    assert offset(lost_frames) == (0, 0)


def test_a_ring_has_every_direction_once_and_begins_at_the_place_itself():
    ring = [offset(PATIENCE + step) for step in range(1, DIRECTIONS + 1)]
    assert [math.hypot(*place) for place in ring] == pytest.approx([2.0 * 20] * DIRECTIONS)
    angles = sorted(math.atan2(dy, dx) % (2 * math.pi) for dx, dy in ring)
    assert angles == pytest.approx([2 * math.pi * i / DIRECTIONS for i in range(DIRECTIONS)])
    assert offset(PATIENCE + DIRECTIONS + 1) == (0, 0)


def test_rings_widen_up_to_three_times_the_reach():
    radii = [math.hypot(*offset(PATIENCE + 1 + turn * (DIRECTIONS + 1))) for turn in range(5)]
    assert radii == pytest.approx([40, 80, 120, 120, 120])


@given(st.integers(0, 10**6), st.floats(0.1, 10))
def test_the_search_stays_in_reach_for_ever(lost_frames, reach):
    assert math.hypot(*offset(lost_frames, reach)) <= 3 * reach * 20 + 1e-6
