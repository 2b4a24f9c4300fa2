"""Depth images, camera_info and clouds: read right, or refused in a sentence."""

import array
import math
from types import SimpleNamespace

import numpy as np
import pytest

from tracker_ros.core.errors import InputError
from tracker_ros.runtime.follow import inputs

METRES = np.linspace(0.5, 5, 12).reshape(3, 4)


def image(encoding="16UC1", pixels=None, **fields):
    if pixels is None:
        pixels = (METRES * 1000).astype("<u2") if encoding != "32FC1" else METRES.astype("<f4")
    step = pixels.shape[1] * pixels.itemsize
    values = {"encoding": encoding, "width": 4, "height": 3, "is_bigendian": 0, "step": step,
              "data": array.array("B", pixels.tobytes())}  # fmt: skip
    return SimpleNamespace(**values | fields)


@pytest.mark.parametrize("encoding", ["16UC1", "mono16", "32FC1"])
def test_metres(encoding):
    values, scale = inputs.depth_image(image(encoding), 0.001)
    np.testing.assert_allclose(values * scale, METRES, atol=0.001)


def test_other_scales_are_of_16_bits_only():
    assert inputs.depth_image(image("16UC1"), 0.25)[1] == 0.25
    assert inputs.depth_image(image("32FC1"), 0.25)[1] == 1.0


def test_big_endian_and_padded_rows():
    pixels = np.pad((METRES * 1000).astype(">u2"), ((0, 0), (0, 3)))
    values, scale = inputs.depth_image(image(pixels=pixels, is_bigendian=1), 0.001)
    np.testing.assert_allclose(values * scale, METRES, atol=0.001)


@pytest.mark.parametrize("fields, words", [
    ({"encoding": "bgr8"}, "encoding 'bgr8' is not one of 16UC1, mono16, 32FC1"),
    ({"width": 0}, "depth image of 0x3 pixels"),
    ({"height": 2**31}, "each side must be between"),
    ({"step": 7}, "step is 7 bytes, but 4 pixels of 16UC1 take 8"),
    ({"data": array.array("B", bytes(23))}, "data has 23 bytes, but 3 rows of 8 bytes take 24"),
])  # fmt: skip
def test_unusable_depth_image(fields, words):
    with pytest.raises(InputError, match=words):
        inputs.depth_image(image(**fields), 0.001)


def info(**fields):
    roi = SimpleNamespace(x_offset=0, y_offset=0, width=0, height=0)
    values = {"width": 640, "height": 480, "binning_x": 0, "binning_y": 0, "roi": roi,
              "k": np.array([500.0, 0, 320, 0, 510, 240, 0, 0, 1])}  # fmt: skip
    return SimpleNamespace(**values | fields)


def test_camera_info():
    camera = inputs.camera_info(info())
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (500, 510, 320, 240)
    assert (camera.width, camera.height) == (640, 480)


def test_camera_info_with_binning_and_a_region():
    roi = SimpleNamespace(x_offset=100, y_offset=40, width=400, height=400)
    camera = inputs.camera_info(info(binning_x=2, binning_y=2, roi=roi))
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (250, 255, 110, 100)
    assert (camera.width, camera.height) == (200, 200)


@pytest.mark.parametrize("fields, words", [
    ({"k": np.zeros(9)}, "no usable K: fx 0"),
    ({"k": np.array([math.nan, 0, 320, 0, 510, 240, 0, 0, 1])}, "no usable K: fx nan"),
    ({"k": np.array([500, 0, 320, 0, 510, math.inf, 0, 0, 1])}, "cy inf"),
    ({"k": np.array([1e-300, 0, 320, 0, 1e-300, 240, 0, 0, 1])}, "no usable K: fx 1e-300"),
    ({"k": np.array([500, 0, 1e300, 0, 500, 240, 0, 0, 1])}, "cx 1e.300"),
    ({"k": np.array([500.0, 0, 320, 0, -510, 240, 0, 0, 1])}, "fy -510"),
    ({"width": 0}, "camera_info of 0x480 pixels"),
])  # fmt: skip
def test_unusable_camera_info(fields, words):
    with pytest.raises(InputError, match=words):
        inputs.camera_info(info(**fields))


def field(name, offset, datatype=inputs.FLOAT32):
    return SimpleNamespace(name=name, offset=offset, datatype=datatype, count=1)


def cloud(kind="<f4", row_padding=0, **fields):
    """A cloud of 4x3 points whose x, y, z are 100 * row + 10 * column + axis, colour between."""
    layout = np.dtype({"names": ["x", "y", "rgb", "z"], "formats": [kind, kind, "u4", kind]})
    rows, columns = np.mgrid[:3, :4]
    points = np.zeros((3, 4), layout)
    for axis, name in enumerate("xyz"):
        points[name] = 100 * rows + 10 * columns + axis
    raw = points.view(np.uint8).reshape(3, -1)
    raw = np.pad(raw, ((0, 0), (0, row_padding)), constant_values=255)
    datatype = inputs.FLOAT32 if kind.endswith("4") else inputs.FLOAT64
    values = {
        "width": 4, "height": 3, "point_step": layout.itemsize, "row_step": raw.shape[1],
        "is_bigendian": kind.startswith(">"), "data": array.array("B", raw.tobytes()),
        "fields": [field(n, layout.fields[n][1], datatype) for n in "xyz"],
    }  # fmt: skip
    return SimpleNamespace(**values | fields)


@pytest.mark.parametrize("kind", ["<f4", ">f4", "<f8"])
@pytest.mark.parametrize("row_padding", [0, 5])
def test_cloud(kind, row_padding):
    points = inputs.cloud(cloud(kind, row_padding))
    assert points.shape == (3, 4, 3)
    np.testing.assert_array_equal(points[2, 3], (230, 231, 232))
    np.testing.assert_array_equal(points[0, 1], (10, 11, 12))


def test_both_readers_of_clouds_agree():
    pytest.importorskip("sensor_msgs_py", reason="it comes with a ROS 2 installation")
    from sensor_msgs.msg import PointCloud2, PointField

    ours = cloud()
    fields = [PointField(**vars(one)) for one in ours.fields]
    message = PointCloud2(**vars(ours) | {"fields": fields})
    np.testing.assert_array_equal(inputs.cloud(message), inputs.numpy_cloud(message))


@pytest.mark.parametrize("fields, words", [
    ({"height": 1}, "not organised"),
    ({"height": 1, "width": 640 * 480}, "307200x1 points is not organised"),
    ({"fields": [field("x", 0), field("y", 4)]}, "no field 'z' of type FLOAT32 or FLOAT64"),
    ({"fields": [field("x", 0, 5)]}, "no field 'x'"),
    ({"fields": [field("x", 0), field("y", 4), field("z", 14)]}, "'z' lies outside its points"),
    ({"row_step": 63}, "row_step is 63 bytes, but 4 points of 16 bytes take 64"),
    ({"data": array.array("B", bytes(100))}, "data has 100 bytes"),
    ({"width": 0}, "point cloud of 0x3"),
])  # fmt: skip
def test_unusable_cloud(fields, words):
    with pytest.raises(InputError, match=words):
        inputs.cloud(cloud(**fields))
