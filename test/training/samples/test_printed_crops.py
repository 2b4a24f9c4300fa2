"""Crops as the papers print them."""

from dataclasses import replace

import numpy as np
import pytest

from tracker_ros.core.config import TrackingConfig
from tracker_ros.training.recipes import recipe
from tracker_ros.training.samples.geometry import printed_window
from tracker_ros.training.samples.sampling import Samples

BOX = (1000.0, 800.0, 64.0, 36.0)  # a side of 48


def windows(name, memory, count=4000, **values):
    config = replace(recipe(name).training.sampling, **values)
    rng = np.random.default_rng(0)
    found = [printed_window(BOX, 4.0, 289, config, rng, memory) for _ in range(count)]
    side = np.array([window.side for window in found])
    centre = np.array([(w.x + w.side / 2, w.y + w.side / 2) for w in found])
    return side, centre - (BOX[0] + BOX[2] / 2, BOX[1] + BOX[3] / 2)


@pytest.mark.parametrize("memory", [False, True])
def test_stmtrack_varies_memory_and_query_alike(memory):
    side, away = windows("stmtrack", memory)
    scale = side / (4 * 48)
    assert scale.min() == pytest.approx(1 / 1.3, abs=0.01)
    assert scale.max() == pytest.approx(1.3, abs=0.01)
    assert scale.mean() == pytest.approx((1 / 1.3 + 1.3) / 2, abs=0.01)
    # Uniform up to a fifth of the window, whose deviation is .115 of its side.
    shift = away / (4 * 48)
    assert np.abs(shift).max() == pytest.approx(0.2, abs=0.01)
    assert shift.std(0) == pytest.approx([0.4 / 12**0.5] * 2, abs=0.004)


def test_a_siamese_template_is_the_middle_of_its_crop():
    side, away = windows("dastsiam", memory=True, count=3)
    assert set(side) == {192} and np.abs(away).max() <= 0.5
    side, away = windows("dastsiam", memory=False)
    assert side.max() / 192 == pytest.approx(1.18, abs=0.01)
    assert np.abs(away).max() / 48 == pytest.approx(1, abs=0.02)


def test_mixvits_scale_has_no_bounds():
    side, away = windows("ustam", memory=False, count=20_000)
    scale = np.log(side / 192)
    # Width and height have a deviation of .5, their mean one of .5 / √2.
    assert scale.std() == pytest.approx(0.5 / 2**0.5, abs=0.01) and np.abs(scale).max() > 1
    assert (np.abs(away).max(1) / (side / 4)).max() == pytest.approx(2.25, abs=0.05)
    assert set(windows("ustam", memory=True, count=3)[0]) == {192}


def test_boxes_are_those_of_the_crop_and_nothing_else_happens(shards):
    sampling = replace(recipe("stmtrack").training.sampling, weights={"video": 1.0}, negative=0.0)
    samples = Samples(shards, TrackingConfig(query_size=96, memory_size=96), sampling)
    sample = samples[0]
    assert sample.memory.shape == (3, 96, 96, 3)
    x, y, w, h = sample.memory_boxes.T
    centre = np.stack([x + w / 2, y + h / 2]) - 48
    assert np.abs(centre).max() > 1  # it is not in the middle ...
    assert np.abs(centre).max() < 0.3 * 96  # ... and not far from it


def test_a_still_picture_keeps_its_shape(shards):
    still = {"weights": {"voc": 1.0}, "negative": 0.0}
    sampling = replace(recipe("stmtrack").training.sampling, **still)
    boxes = Samples(shards, TrackingConfig(), sampling)[0].memory_boxes
    ratio = boxes[:, 2] / boxes[:, 3]
    assert ratio == pytest.approx(ratio[0], rel=1e-3)
