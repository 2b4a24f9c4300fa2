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
              "k": np.array([500.0, 0, 320, 0, 510, 240, 0, 0, 1]), "p": np.zeros(12),
              "distortion_model": "plumb_bob", "d": [-0.3, 0.1, 0, 0, 0]}  # fmt: skip
    return SimpleNamespace(**values | fields)


P = np.array([450.0, 0, 310, -40, 0, 460, 230, 0, 0, 0, 1, 0])


@pytest.mark.parametrize("rectified, p, of_p", [
    (True, P, True), (False, P, False), (True, np.zeros(12), False),
])  # fmt: skip
def test_camera_info_is_of_rectified_or_raw_images(rectified, p, of_p):
    camera = inputs.camera_info(info(p=p), rectified)
    expected = (450, 460, 310, 230) if of_p else (500, 510, 320, 240)
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == expected
    assert (camera.width, camera.height) == (640, 480)
    assert (camera.lens is None) == rectified


@pytest.mark.parametrize("rectified", [True, False])
def test_camera_info_with_binning_and_a_region(rectified):
    roi = SimpleNamespace(x_offset=100, y_offset=40, width=400, height=400)
    p = np.array([500.0, 0, 320, 0, 0, 510, 240, 0, 0, 0, 1, 0])
    camera = inputs.camera_info(info(binning_x=2, binning_y=2, roi=roi, p=p), rectified)
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (250, 255, 110, 100)
    assert (camera.width, camera.height) == (200, 200)


def test_raw_images_without_distortion_have_no_lens():
    for d in ([], [0.0] * 5):
        assert inputs.camera_info(info(d=d, distortion_model="any"), False).lens is None


OUTSIDE = SimpleNamespace(x_offset=300, y_offset=0, width=400, height=400)


@pytest.mark.parametrize("fields, words", [
    ({"k": np.zeros(9)}, "no usable K: fx 0, .*: the camera is not calibrated"),
    ({"p": np.full(12, math.nan)}, "no usable P: fx nan"),
    ({"roi": OUTSIDE}, r"region of 400x400 pixels at \(300, 0\), with a binning of 1x1, is none"),
    ({"binning_x": 900}, "with a binning of 900x1, is none of its 640x480 pixels"),
    ({"k": np.array([math.nan, 0, 320, 0, 510, 240, 0, 0, 1])}, "no usable K: fx nan"),
    ({"k": np.array([500, 0, 320, 0, 510, math.inf, 0, 0, 1])}, "cy inf"),
    ({"k": np.array([1e-300, 0, 320, 0, 1e-300, 240, 0, 0, 1])}, "no usable K: fx 1e-300"),
    ({"k": np.array([500, 0, 1e300, 0, 500, 240, 0, 0, 1])}, "cx 1e.300"),
    ({"k": np.array([500.0, 0, 320, 0, -510, 240, 0, 0, 1])}, "fy -510"),
    ({"width": 0}, "camera_info of 0x480 pixels"),
])  # fmt: skip
def test_unusable_camera_info(fields, words):
    with pytest.raises(InputError, match=words):
        inputs.camera_info(info(**fields), True)


@pytest.mark.parametrize("fields, words", [
    ({"distortion_model": "fov"}, "distortion_model 'fov', which is not one of plumb_bob"),
    ({"d": [0.1] * 3}, "D that is not 4 or 5 numbers, as distortion_model plumb_bob takes: 0.1, 0"),
    ({"d": [math.nan] * 5}, "D that is not 4 or 5 numbers, .* takes: nan, nan"),
    ({"distortion_model": "equidistant"}, "D that is not 4 numbers"),
])  # fmt: skip
def test_unusable_distortion_matters_to_raw_images_only(fields, words):
    assert inputs.camera_info(info(**fields), True)
    with pytest.raises(InputError, match=words):
        inputs.camera_info(info(**fields), False)


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
