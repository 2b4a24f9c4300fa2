"""Where the next window is: golden steps, and what must hold for any."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker_ros.core.geometry.motion import AT_REST, RATE, SLOW, Course, Motion

SIDES = st.floats(4, 200)
PLACES = st.floats(-500, 500)
STEPS = st.tuples(PLACES, PLACES)
BOXES = st.tuples(PLACES, PLACES, SIDES, SIDES)
STILL = (0.0, 0.0)


def go(course, *steps, share=1.0, side=10):
    """A target that is seen to go these steps, each with the background's shift: x, y, x, y."""
    box = (0.0, 0.0, side, side)
    for x, y, *shift in steps:
        after = (box[0] + x, box[1] + y, side, side)
        course, box = course.after(box, after, True, share, tuple(shift) or STILL), after
    return course


def test_two_steps_by_hand():
    first = go(Course(), (8, -4))
    assert first.picture.velocity == (8, -4) and first.ground.velocity == (4, -2)
    second = first.after((8, -4, 10, 10), (20, -8, 10, 10), True, 1.0, STILL)
    assert second.picture.velocity == (10, -4)
    assert second.ahead((20, -8, 10, 10), 0.5, STILL) == (25, -10, 10, 10)


def test_a_change_of_size_is_no_motion():
    grown = Course().after((0, 0, 10, 10), (-5, -5, 20, 20), True, 1.0, STILL)
    assert grown.picture.velocity == (0, 0)


def test_what_is_not_seen_slows_down():
    moving = Course(Motion((8.0, 4.0)), Motion((2.0, 0.0)))
    slower = moving.after((0, 0, 1, 1), (50, 50, 1, 1), False, 1.0, (9, 9))
    assert slower.picture.velocity == (8 * RATE, 4 * RATE)
    assert slower.ground.velocity == (2 * RATE, 0) and slower.errors == moving.errors
    unmoved = Course().after((0, 0, 1, 1), (50, 50, 1, 1), False, 1.0, STILL)
    assert unmoved.picture == Motion() and unmoved.ground == AT_REST
    # Seen again, it has come farther than it goes in a frame.
    assert slower.after((0, 0, 1, 1), (50, 50, 1, 1), True, 1.0, STILL).ground.velocity == (0.5, 0)


@given(BOXES, STEPS, st.floats(0, 1))
def test_a_window_is_ahead_of_a_fast_target_only(box, velocity, share):
    x, y, w, h = Course(Motion(velocity)).ahead(box, share, STILL)
    assert (w, h) == box[2:]
    step = math.hypot(share * velocity[0], share * velocity[1])
    if step <= SLOW * math.sqrt(box[2] * box[3]):
        assert (x, y) == box[:2]
    else:
        assert math.isclose(math.hypot(x - box[0], y - box[1]), step, abs_tol=1e-6)
    assert Course().ahead(box, share, STILL) == box


SHAKES = [(9, 0, 9, 0), (-7, 5, -7, 5), (0, -9, 0, -9), (8, 8, 8, 8)]


def test_what_goes_with_the_background_is_looked_for_where_that_went():
    course = go(Course(), *SHAKES)
    assert course.carried and course.errors[1] < 0.1
    assert course.ahead((0, 0, 10, 10), 1.0, (-6, 2)) == pytest.approx((-6, 2, 10, 10), abs=1)


def test_what_the_camera_follows_stays_where_it_is_in_the_picture():
    course = go(Course(), *((0, 0, *step[2:]) for step in SHAKES))
    assert not course.carried and course.errors[0] == 0
    assert course.ahead((0, 0, 10, 10), 1.0, (-6, 2)) == (0, 0, 10, 10)


def test_a_still_camera_says_nothing_of_either():
    assert go(Course(), (9, 0), (-7, 5), (0, -9)).errors == (0, 0)


@given(BOXES, STEPS, STEPS, STEPS, st.tuples(st.floats(0, 1), st.floats(0, 1)), st.floats(0, 1))
def test_the_other_guess_is_far_from_the_first_or_none(box, one, two, shift, errors, share):
    course = Course(Motion(one), Motion(two), errors)
    first, other = course.ahead(box, share, shift), course.otherwise(box, share, shift)
    if other is not None:
        assert math.dist(first[:2], other[:2]) > SLOW * math.sqrt(box[2] * box[3])
        changed = Course(Motion(one), Motion(two), errors[::-1])
        assert course.carried == changed.carried or changed.ahead(box, share, shift) == other
