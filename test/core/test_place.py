"""Where a target is looked for after a loss, and in which size."""

from dataclasses import replace

import numpy as np
import pytest

from tracker_ros.core.config import TrackingConfig
from tracker_ros.core.geometry.camera import Background
from tracker_ros.core.geometry.motion import Course
from tracker_ros.core.place import Place
from tracker_ros.core.state import Presence, TargetState

CONFIG = TrackingConfig(lost_score=0.25, recover_score=0.55)
WHOLE, HALF = (100.0, 50.0, 40.0, 60.0), (120.0, 50.0, 20.0, 60.0)  # HALF is behind something
TRACKING, UNCERTAIN = Presence(), Presence(TargetState.UNCERTAIN)
GIVEN_UP = TRACKING.lose()
UNSEEN = Presence(TargetState.LOST, lost_frames=1)  # for a moment, and looked for where it was
START = Place(WHOLE, WHOLE)


@pytest.fixture
def hidden():
    """All of it was seen, then half of it."""
    seen = START.after(WHOLE, 0.9, TRACKING, True, CONFIG)
    return seen.after(HALF, 0.9, TRACKING, False, CONFIG)


def test_a_lost_target_has_the_size_of_when_all_of_it_was_seen(hidden):
    assert hidden.box == hidden.sure == HALF and hidden.whole == (40, 60)
    lost = hidden.lost()
    assert lost.box == lost.sure == (110, 50, 40, 60)  # around the middle of what was seen


def test_a_target_of_which_all_was_never_seen_keeps_its_size():
    assert START.lost().box == WHOLE
    assert START.after(HALF, 0.9, TRACKING, False, CONFIG).lost().box == HALF


def test_only_a_sure_frame_tells_the_whole_size():
    assert START.after(HALF, 0.9, UNCERTAIN, True, CONFIG).whole is None


@pytest.mark.parametrize(
    ("presence", "score", "box", "sure"),
    [
        (TRACKING, 0.9, HALF, HALF),
        (UNCERTAIN, 0.3, HALF, WHOLE),
        (UNCERTAIN, 0.2, WHOLE, WHOLE),  # weak evidence moves nothing
        (GIVEN_UP, 0.6, HALF, WHOLE),
        (GIVEN_UP, 0.5, WHOLE, WHOLE),
    ],
)
def test_what_is_found_is_followed_as_far_as_its_score_says(presence, score, box, sure):
    after = START.after(HALF, score, presence, False, CONFIG)
    assert (after.box, after.sure) == (box, sure)


def test_a_motion_goes_on_only_where_the_target_is_seen():
    moved = START.after((110.0, 50.0, 40.0, 60.0), 0.9, TRACKING, True, CONFIG)
    assert moved.course.picture.velocity == (10, 0)
    unseen = replace(moved, box=WHOLE).after(HALF, 0.1, GIVEN_UP, False, CONFIG)
    assert unseen.course.picture.velocity == (5, 0)


@pytest.mark.parametrize("presence", [UNCERTAIN, UNSEEN, GIVEN_UP])
@pytest.mark.parametrize(("errors", "carried"), [((0.8, 0.1), True), ((0.1, 0.8), False)])
def test_what_is_not_seen_goes_with_the_background_if_it_did_before(presence, errors, carried):
    place = replace(START, course=Course(errors=errors))
    panned = Background(np.zeros((72, 96), np.uint8), (640, 480), (30.0, -5.0))
    after = place.after(HALF, 0.1, presence, False, CONFIG, panned)
    moved = (130.0, 45.0, 40.0, 60.0)
    assert after.box == after.sure == (moved if carried else WHOLE)
    assert place.after(HALF, 0.9, TRACKING, False, CONFIG, panned).box == HALF


def test_what_is_not_seen_stays_in_the_picture_until_it_is_lost():
    place = replace(START, course=Course(errors=(0.8, 0.1)))
    panned = Background(np.zeros((72, 96), np.uint8), (640, 480), (-200.0, 0.0))
    assert place.after(HALF, 0.1, UNCERTAIN, False, CONFIG, panned).box == (-20, 50, 40, 60)
    lost = place.after(HALF, 0.1, GIVEN_UP, False, CONFIG, panned)
    assert lost.box == lost.sure == (-100, 50, 40, 60)  # it comes back with the camera
