"""The depth of what a box shows: never a mean of target and background."""

import numpy as np
import pytest

from tracker_ros.core.errors import InputError
from tracker_ros.runtime.follow.depth import surfaces

BOX = (20.0, 10.0, 40.0, 40.0)


def scene(background=6.0, target=3.0, share=0.5, noise=0.01):
    """A target that fills ``share`` of the box's width, from the left."""
    depth = np.full((60, 80), background)
    depth[10:50, 20 : 20 + round(40 * share)] = target
    return depth * (1 + noise * np.random.default_rng(0).normal(size=depth.shape))


def find(depth, scale=1.0, min_points=20, max_range=10.0, box=BOX):
    return surfaces(depth, box, scale, min_points, max_range)


@pytest.mark.parametrize("share", [0.4, 0.5, 0.6])
def test_target_and_background_are_told_apart_nearest_first(share):
    target, background = find(scene(share=share))
    assert target.depth == pytest.approx(3.0, rel=0.005)
    assert background.depth == pytest.approx(6.0, rel=0.005)
    assert target.sigma == pytest.approx(0.03, rel=0.3)


def test_pixels_without_a_depth_and_far_outliers_do_not_count():
    depth = scene(share=1.0)
    depth[10:50:2] = 0
    depth[11:50:4, ::2] = np.nan
    depth[13:50:4, ::3] = np.inf
    depth[13:50:4, 1::3] = 50.0
    (target,) = find(depth)
    assert target.depth == pytest.approx(3.0, rel=0.005)


def test_millimetres():
    (target, _) = find((scene() * 1000).astype(np.uint16), scale=0.001)
    assert target.depth == pytest.approx(3.0, rel=0.005)


def test_few_pixels_in_front_are_not_a_surface():
    depth = scene(share=1.0)
    depth[28:32, 36:44] = 1.0
    (target,) = find(depth)
    assert target.depth == pytest.approx(3.0, rel=0.005)


@pytest.mark.parametrize("depth, words", [
    (np.zeros((60, 80)), "0 of 576 pixels in the box have a depth up to 10 m, but 20 are needed"),
    (np.full((60, 80), np.nan), "0 of 576 pixels"),
    (np.full((60, 80), 11.0), "0 of 576 pixels"),
    (np.geomspace(0.5, 9.5, 4800).reshape(80, 60).T, "scattered from"),
])  # fmt: skip
def test_no_surface_is_said_in_a_sentence(depth, words):
    with pytest.raises(InputError, match=words):
        find(depth)


def test_box_outside_is_said_in_a_sentence():
    for box in ((100.0, 10.0, 40.0, 40.0), (-70.0, 0.0, 40.0, 40.0), (0.0, -90.0, 9.0, 9.0)):
        with pytest.raises(InputError, match="lies outside the depth image of 80x60 pixels"):
            find(scene(), box=box)


@pytest.mark.parametrize("side", [1e-200, 1e-3, 1e5, 1e200])
def test_box_of_no_image_is_said_in_a_sentence(side):
    with pytest.raises(InputError, match="is of no image"):
        find(scene(), box=(40 - side / 2, 30 - side / 2, side, side))


def test_depths_below_a_millimetre_were_not_measured():
    with pytest.raises(InputError, match="0 of 576 pixels"):
        find(np.full((60, 80), 1e-40))


def test_box_partly_outside_uses_what_is_inside():
    depth = np.full((60, 80), 2.0)
    assert find(depth, box=(60.0, 30.0, 40.0, 60.0))[0].depth == pytest.approx(2.0)
