"""Boxes, images and answers of a network that cannot be used, or hardly."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker_ros.core.errors import InputError, TrackerError
from tracker_ros.core.geometry.crop import crop, window_around
from tracker_ros.core.geometry.decode import Prediction
from tracker_ros.core.search import check_shown
from tracker_ros.core.state import TargetState
from tracker_ros.core.tracker import Tracker

from .red import BOX, CONFIG, RedEngine, frame


def test_update_without_a_target():
    tracker = Tracker(RedEngine())
    assert tracker.memory_size == 0 and tracker.last_box is None
    with pytest.raises(TrackerError, match="no target: call init first"):
        tracker.update(frame())
    assert tracker.remember() is None and tracker.engine.log == []


@pytest.mark.parametrize(
    ("image", "box"),
    [
        (frame(), (0, 0, np.nan, 10)),
        (frame(), (500, 500, 10, 10)),
        (frame(), "box"),
        (frame()[:, :, 0], BOX),
        (np.zeros((0, 0, 3), np.uint8), BOX),
        (None, BOX),
    ],
)
def test_a_bad_start_keeps_the_target_it_had(tracker, image, box):
    tracker.locate(frame())
    with pytest.raises(InputError):
        tracker.init(image, box)
    assert tracker.memory_size == 1
    assert tracker.remember() is not None
    assert tracker.update(frame()).box == pytest.approx(BOX, abs=1)


def test_where_there_is_nothing_to_see_is_told_to_those_who_ask():
    black = np.zeros((120, 160, 3), np.uint8)
    black[0, 0] = 255  # far away
    with pytest.raises(InputError, match=r"box \(60, 40, 20, 20\) and what is around it have one"):
        check_shown(black, BOX)
    black[40:60, 60:80] = 9  # hardly anything, but something
    check_shown(black, BOX)


def test_a_start_over_the_rim_takes_the_part_inside(tracker):
    tracker.init(frame(), (-10, -10, 30, 30))
    assert tracker.last_box == (0, 0, 20, 20)


@pytest.mark.parametrize(
    "image",
    [None, frame().astype(float), frame()[0], np.zeros((120, 0, 3), np.uint8), frame()[:, :, :2]],
)
def test_a_bad_image_leaves_the_target_usable(tracker, image):
    tracker.locate(frame())
    with pytest.raises(InputError):
        tracker.locate(image)
    with pytest.raises(InputError):
        tracker.update(image)
    result = tracker.update(frame())
    assert result.state is TargetState.TRACKING and result.box == pytest.approx(BOX, abs=1)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("part", ["score", "boxes"])
def test_a_network_that_answers_nonsense_is_an_error_not_a_box(tracker, part, value):
    good, _ = tracker.engine.locate(frame()[20:84, 40:104], ())
    getattr(good, part)[..., 3, 3] = value
    tracker.engine.answer = good
    with pytest.raises(InputError, match="not finite"):
        tracker.locate(frame())
    tracker.engine.answer = None
    assert tracker.update(frame()).box == pytest.approx(BOX, abs=1)


def test_images_may_change_size_on_the_way(tracker):
    result = tracker.update(frame((30, 20, 20, 20), size=(50, 60)))
    x, y, w, h = result.box
    assert 0 <= x + w / 2 <= 60 and 0 <= y + h / 2 <= 50 and w <= 60 and h <= 50
    assert tracker.update(frame()).box is not None


def test_the_window_of_a_full_image_target_is_searched():
    tracker = Tracker(RedEngine())
    full = (0, 0, 160, 120)
    image = frame(full)
    image[40:80, 60:100, 0] = 99  # in a picture of one colour there is nothing to start on
    tracker.init(image, full)
    assert tracker.update(image).box == pytest.approx(full, abs=12)
    (_, query) = tracker.engine.log[1]
    assert np.array_equal(query, crop(image, window_around(full, 4.0, 64)))


@given(st.lists(st.tuples(*[st.integers(2, 300)] * 2, st.integers(0, 2**32)), max_size=12))
def test_any_finite_answer_to_any_image_keeps_the_tracker_usable(steps):
    tracker = Tracker(RedEngine())
    tracker.init(frame(), BOX)
    for height, width, seed in steps:
        rng = np.random.default_rng(seed)
        spread = 10.0 ** rng.uniform(0, 6)
        tracker.engine.answer = Prediction(
            rng.random((8, 8), np.float32),
            rng.normal(32, spread, (4, 8, 8)).astype(np.float32),
        )
        result = tracker.update(np.zeros((height, width, 3), np.uint8))
        x, y, w, h = tracker.last_box
        assert (result.box is None) == (result.state is TargetState.LOST)
        assert 0 <= result.score <= 1 and 0 < w <= max(width, 160) and 0 < h <= max(height, 160)
        if result.score >= CONFIG.lost_score:
            assert -1e-6 <= x + w / 2 <= width + 1e-6 and -1e-6 <= y + h / 2 <= height + 1e-6


@pytest.mark.parametrize("side", [4.0, 10.0, 30.0])
def test_a_box_has_a_least_side(side):
    tracker = Tracker(RedEngine(replace(CONFIG, minimum_side=side)))
    tracker.init(frame(), BOX)
    box = tracker.update(frame((66, 46, 8, 8))).box
    assert min(box[2:]) == pytest.approx(max(side, 8), abs=1.5)
