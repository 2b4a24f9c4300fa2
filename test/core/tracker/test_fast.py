"""A target that goes farther in a frame than its window reaches."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from tracker_ros.core.geometry.crop import crop, window_around
from tracker_ros.core.state import TargetState
from tracker_ros.core.tracker import Tracker

from .red import BOX, CONFIG, RedEngine, frame

FAST = replace(CONFIG, aside_score=0.35, motion=0.8, search_factor=2.6)
NOT_BESIDE = replace(FAST, aside_score=0.0)
JUMPED = (100, 40, 20, 20)  # beyond the window around BOX


@pytest.mark.parametrize(("config", "followed"), [(FAST, True), (NOT_BESIDE, False)])
def test_a_target_that_jumps_out_of_its_window_is_looked_for_beside_it(config, followed):
    tracker = Tracker(RedEngine(config))
    tracker.init(frame(), BOX)
    result = tracker.update(frame(JUMPED, score=1.0))
    if followed:
        assert result.box == pytest.approx(JUMPED, abs=1.5)
        assert result.state is TargetState.TRACKING and result.score == pytest.approx(1)
        window = window_around(tracker.last_box, FAST.memory_factor, CONFIG.memory_size)
        assert np.array_equal(tracker.engine.log[-1][1], crop(frame(JUMPED, score=1.0), window))
    else:
        assert result.box == BOX and result.state is TargetState.UNCERTAIN


def test_what_is_beside_the_window_must_look_like_the_target():
    tracker = Tracker(RedEngine(FAST))
    tracker.init(frame(), BOX)
    result = tracker.update(frame(JUMPED, score=0.9))
    assert result.box == BOX and result.state is TargetState.UNCERTAIN
    assert tracker.engine.steps[-1] == "locate"  # nothing was memorised


def test_what_is_farther_than_a_target_goes_in_a_frame_is_another():
    tracker = Tracker(RedEngine(FAST))
    tracker.init(frame(), BOX)
    far = (BOX[0] + 36, BOX[1] + 36, *BOX[2:])  # 2.5 of its sides
    result = tracker.update(frame(far, score=1.0))
    assert tracker.engine.steps.count("locate") == 5  # the windows beside it were looked at
    assert result.box == BOX and result.state is TargetState.UNCERTAIN


@pytest.mark.parametrize(("empty", "followed"), [(1, True), (2, False)])
def test_beside_its_window_a_target_is_looked_for_at_once_or_not_at_all(empty, followed):
    tracker = Tracker(RedEngine(FAST))
    tracker.init(frame(), BOX)
    for _ in range(empty):
        tracker.update(frame(score=0.0))
    result = tracker.update(frame(JUMPED, score=1.0))
    assert (result.box == pytest.approx(JUMPED, abs=1.5)) == followed


def test_a_window_beside_costs_nothing_while_the_target_is_seen():
    tracker = Tracker(RedEngine(FAST))
    tracker.init(frame(), BOX)
    tracker.update(frame((64, 42, 20, 20)))
    assert tracker.engine.steps == ["start", "locate", "remember"]


WALL = cv2.resize(np.random.default_rng(0).integers(0, 255, (40, 60, 2), np.uint8), (480, 320))


def filmed(box, camera=(100, 100)):
    """A red square before a wall in other colours, at which the camera looks from some place."""
    image, (x, y) = frame(box), camera
    image[..., :2] = WALL[y : y + 120, x : x + 160]
    return image


def test_the_window_goes_ahead_of_a_fast_target():
    tracker = Tracker(RedEngine(FAST))
    tracker.init(filmed(BOX), BOX)
    tracker.update(filmed((80, 40, 20, 20)))
    ahead = (tracker.last_box[0] + 16, tracker.last_box[1], 20, 20)  # .8 of 20 pixels
    expected = window_around(ahead, FAST.search_factor, CONFIG.query_size)
    assert tracker.search(filmed(BOX)).window.x == pytest.approx(expected.x, abs=2)
    tracker.lose()
    assert tracker.search(filmed(BOX)).window == window_around(
        tracker.last_box, FAST.search_factor, CONFIG.query_size
    )


FILMED = replace(FAST, aside_score=0.0, search_factor=2.0)
TURNS = [(-10, 0), (8, 8), (-10, -8), (12, -8)]  # of the camera
FAR = (-20, -2)  # beyond the window, from the last of these


@pytest.fixture
def shaken():
    """A tracker of a target on a wall, and the film of a camera that shakes by its size."""
    tracker = Tracker(RedEngine(FILMED))
    tracker.init(filmed(BOX), BOX)
    for x, y in TURNS:
        (left, top), image = _turned(x, y)
        found = tracker.update(image)
        assert found.box == pytest.approx((left, top, 20, 20), abs=1.5)
    return tracker


def _turned(x, y):
    """Where BOX is once the camera has turned by so much, and what it shows."""
    place = BOX[0] - x, BOX[1] - y
    return place, filmed((*place, 20, 20), (100 + x, 100 + y))


def test_a_target_beyond_its_window_is_where_the_background_went(shaken):
    (left, top), image = _turned(*FAR)
    seen = shaken.update(image)
    assert seen.state is TargetState.TRACKING
    assert seen.box == pytest.approx((left, top, 20, 20), abs=1.5)
    assert shaken.engine.steps[-2:] == ["locate", "remember"]  # one window was enough


def test_a_target_that_is_hidden_goes_with_the_background(shaken):
    (left, top), image = _turned(-8, 4)
    image[..., 2] = 20  # something hides it
    assert shaken.update(image).state is TargetState.UNCERTAIN
    assert shaken.last_box == pytest.approx((left, top, 20, 20), abs=3)
    for _ in range(CONFIG.lost_after):
        shaken.update(image)
    (left, top), image = _turned(10, -8)
    image[..., 2] = 20
    assert shaken.update(image).state is TargetState.LOST
    assert shaken.last_box == pytest.approx((left, top, 20, 20), abs=5)


def test_the_other_guess_is_asked_where_the_first_shows_little():
    tracker = Tracker(RedEngine(FILMED))
    tracker.init(filmed(BOX), BOX)
    tracker.update(filmed(BOX))
    (left, top), image = _turned(32, 6)  # for the first time: nothing says that it goes along
    assert tracker.update(image).box == pytest.approx((left, top, 20, 20), abs=1.5)
    assert tracker.engine.steps.count("locate") == 3
