"""Pixels to places, and the camera that a cloud was seen with."""

import numpy as np
import pytest

from tracker_ros.core.errors import InputError
from tracker_ros.runtime.follow.camera import Camera, camera_of_points

CAMERA = Camera(500.0, 510.0, 31.0, 22.0, 64, 48)


def view(camera=CAMERA, depth=None):
    """The organised cloud that ``camera`` makes of a depth map."""
    rows, columns = np.mgrid[: camera.height, : camera.width]
    if depth is None:
        depth = 2 + 0.02 * rows + 0.5 * (columns > 30)
    x, y = (columns - camera.cx) / camera.fx, (rows - camera.cy) / camera.fy
    return np.stack([x * depth, y * depth, depth], axis=-1).astype(np.float32)


def test_the_centre_of_the_principal_pixel_is_straight_ahead():
    np.testing.assert_allclose(CAMERA.locate(31.5, 22.5, 3.0), (0, 0, 3))


def test_a_place_is_projected_to_where_it_came_from():
    x, y, z = CAMERA.locate(50.0, 10.0, 4.0)
    assert 500 * x / z + 31 + 0.5 == pytest.approx(50)
    assert 510 * y / z + 22 + 0.5 == pytest.approx(10)


def test_jacobian_is_the_slope_of_locate():
    point, step = np.array([50.0, 10.0, 4.0]), 1e-6
    for axis, column in enumerate(CAMERA.jacobian(*point).T):
        moved = point + step * np.eye(3)[axis]
        slope = (CAMERA.locate(*moved) - CAMERA.locate(*point)) / step
        np.testing.assert_allclose(column, slope, atol=1e-6)


def test_the_camera_of_a_cloud_with_holes():
    points = view()
    points[::3, ::2] = np.nan
    found = camera_of_points(points)
    assert (found.width, found.height) == (64, 48)
    assert (found.fx, found.fy) == pytest.approx((500, 510), rel=1e-3)
    assert (found.cx, found.cy) == pytest.approx((31, 22), abs=0.05)


@pytest.mark.parametrize("odd", [(1e308, 1e308, 1e-320), (0, 0, 1e-320), (1e30, 1e30, 2)])
def test_points_that_nothing_measures_do_not_matter(odd):
    points = view().astype(float)
    points[::2] = odd
    found = camera_of_points(points)
    assert (found.fx, found.fy) == pytest.approx((500, 510), rel=1e-3)


@pytest.mark.parametrize("points, words", [
    (np.full((4, 5, 3), np.nan, np.float32), "too few points"),
    (view()[..., [2, 0, 1]], "not the view of a pinhole camera in its optical frame"),
    (-view(), "too few points"),
    (np.random.default_rng(0).uniform(1, 2, (48, 64, 3)), "not the view of a pinhole camera"),
])  # fmt: skip
def test_what_is_no_view_of_a_camera_is_refused(points, words):
    with pytest.raises(InputError, match=words):
        camera_of_points(points)
