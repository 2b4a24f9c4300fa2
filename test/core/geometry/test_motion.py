"""Where the next window is: golden steps, and what must hold for any."""

import math

from hypothesis import given
from hypothesis import strategies as st

from tracker_ros.core.geometry.motion import RATE, SLOW, Motion

SIDES = st.floats(4, 200)
PLACES = st.floats(-500, 500)
BOXES = st.tuples(PLACES, PLACES, SIDES, SIDES)


def test_two_steps_by_hand():
    first = Motion().after((0, 0, 10, 10), (8, -4, 10, 10), True)
    assert first.velocity == (8, -4)
    second = first.after((8, -4, 10, 10), (20, -8, 10, 10), True)
    assert second.velocity == (10, -4)
    assert second.ahead((20, -8, 10, 10), 0.5) == (25, -10, 10, 10)


def test_a_change_of_size_is_no_motion():
    assert Motion().after((0, 0, 10, 10), (-5, -5, 20, 20), True).velocity == (0, 0)


def test_what_is_not_seen_slows_down():
    moving = Motion((8.0, 4.0))
    assert moving.after((0, 0, 1, 1), (50, 50, 1, 1), False).velocity == (8 * RATE, 4 * RATE)
    assert Motion().after((0, 0, 1, 1), (50, 50, 1, 1), False) == Motion()


@given(BOXES, st.tuples(PLACES, PLACES), st.floats(0, 1))
def test_a_window_is_ahead_of_a_fast_target_only(box, velocity, share):
    x, y, w, h = Motion(velocity).ahead(box, share)
    assert (w, h) == box[2:]
    step = math.hypot(share * velocity[0], share * velocity[1])
    if step <= SLOW * math.sqrt(box[2] * box[3]):
        assert (x, y) == box[:2]
    else:
        assert math.isclose(math.hypot(x - box[0], y - box[1]), step, abs_tol=1e-6)
    assert Motion().ahead(box, share) == box
