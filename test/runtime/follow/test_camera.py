"""Pixels to places, and the camera that a cloud was seen with."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from tracker_ros.core.errors import InputError
from tracker_ros.runtime.follow.camera import Camera, camera_of_points
from tracker_ros.runtime.follow.lens import Lens

CAMERA = Camera(500.0, 510.0, 31.0, 22.0, 64, 48)


def view(camera=CAMERA, depth=None):
    """The organised cloud that ``camera`` makes of a depth map."""
    rows, columns = np.mgrid[: camera.height, : camera.width]
    if depth is None:
        depth = 2 + 0.02 * rows + 0.5 * (columns > 30)
    x, y = (columns - camera.cx) / camera.fx, (rows - camera.cy) / camera.fy
    return np.stack([x * depth, y * depth, depth], axis=-1).astype(np.float32)


def test_the_centre_of_the_principal_pixel_is_straight_ahead():
    np.testing.assert_allclose(CAMERA.view(31.5, 22.5).locate(3.0), (0, 0, 3))


def test_a_place_is_projected_to_where_it_came_from():
    x, y, z = CAMERA.view(50.0, 10.0).locate(4.0)
    assert 500 * x / z + 31 + 0.5 == pytest.approx(50)
    assert 510 * y / z + 22 + 0.5 == pytest.approx(10)


LENSES = [
    Lens("plumb_bob", (-0.35, 0.12, 0.001, -0.001, -0.02)),
    Lens("plumb_bob", (0.12, -0.25, 0.001, -0.001)),
    Lens("rational_polynomial", (0.8, 0.1, 0.0003, -0.0002, 0.01, 1.1, 0.25, 0.02)),
    Lens("equidistant", (0.1, -0.02, 0.003, 0.0)),
]


@pytest.mark.parametrize("lens", [None, *LENSES])
def test_jacobian_is_the_slope_of_locate(lens):
    camera, point, step = replace(CAMERA, lens=lens), np.array([50.0, 10.0, 4.0]), 1e-4

    def place(x, y, depth):
        return camera.view(x, y).locate(depth)

    for axis, column in enumerate(camera.view(50.0, 10.0).jacobian(4.0).T):
        slope = (place(*(point + step * np.eye(3)[axis])) - place(*point)) / step
        np.testing.assert_allclose(column, slope, atol=1e-5)


@pytest.mark.parametrize("lens", LENSES)
def test_a_raw_image_shows_a_place_where_opencv_projects_it(lens):
    camera = Camera(300.0, 310.0, 322.0, 238.0, 640, 480, lens)
    matrix, place = np.array([[300.0, 0, 322], [0, 310, 238], [0, 0, 1]]), np.array([2.0, -1.4, 3])
    project = cv2.fisheye.projectPoints if lens.model == "equidistant" else cv2.projectPoints
    still, coefficients = np.zeros((3, 1)), np.array(lens.coefficients)
    x, y = project(place[None, None], still, still, matrix, coefficients)[0].ravel() + 0.5
    np.testing.assert_allclose(camera.view(x, y).locate(3.0), place, atol=1e-5)
    assert np.abs(replace(camera, lens=None).view(x, y).locate(3.0) - place).max() > 0.05


def test_a_pixel_at_the_rim_of_a_wide_view_is_of_more():
    camera = replace(CAMERA, lens=LENSES[0])
    middle, rim = (camera.view(x, 22.5).slopes[0, 0] for x in (31.5, 331.5))
    assert middle == pytest.approx(1 / 500, rel=0.01)
    assert rim > 1.2 * middle


def test_a_point_that_the_lens_never_shows_is_said_in_a_sentence():
    wide = replace(CAMERA, lens=Lens("plumb_bob", (-0.3, 0.0, 0.0, 0.0)))
    with pytest.raises(InputError, match=r"a point 1.94 focal .* the lens of camera_info \(plumb"):
        wide.view(1001.5, 22.5)


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


def test_images_of_another_resolution_show_the_same():
    for lens in (None, LENSES[0]):
        camera = replace(CAMERA, lens=lens)
        small, large = camera.view(50.0, 10.0), camera.resized(128, 96).view(100.0, 20.0)
        np.testing.assert_allclose(large.ray, small.ray)
        np.testing.assert_allclose(large.slopes, small.slopes / 2, rtol=1e-3)
    with pytest.raises(InputError, match="the images have 128x72 pixels, but camera_info or cloud"):
        CAMERA.resized(128, 72)
