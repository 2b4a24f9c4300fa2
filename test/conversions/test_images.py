"""Image messages to arrays and back: every encoding, every malformation."""

import re
import subprocess
import sys
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker_ros.conversions.images import (
    _bridge,
    bgr_to_compressed,
    bgr_to_image,
    check_readable,
    compressed_to_bgr,
    image_to_bgr,
    to_bgr,
)
from tracker_ros.core.errors import InputError
from tracker_ros.core.io.encodings import ENCODINGS
from tracker_ros.core.io.levels import Levels

COLOUR = (200, 120, 40)  # B, G, R


def image_message(pixels: np.ndarray, encoding: str, step: int = 0, is_bigendian: int = 0):
    """An Image-like message of `pixels` (H, W[, C]), rows padded with noise up to `step`."""
    height, width = pixels.shape[:2]
    rows = pixels.reshape(height, -1).view(np.uint8)
    padding = np.full((height, max(step - rows.shape[1], 0)), 77, np.uint8)
    return SimpleNamespace(
        height=height,
        width=width,
        encoding=encoding,
        is_bigendian=is_bigendian,
        step=step or rows.shape[1],
        data=np.hstack([rows, padding]).ravel(),
    )


def picture(height: int = 24, width: int = 30) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def encode(bgr: np.ndarray, encoding: str) -> np.ndarray:
    """What a camera that sees `bgr` sends in a colour encoding."""
    alpha = np.full((*bgr.shape[:2], 1), 9, np.uint8)
    return {
        "bgr8": bgr,
        "8UC3": bgr,
        "rgb8": bgr[..., ::-1],
        "bgra8": np.dstack([bgr, alpha]),
        "8UC4": np.dstack([bgr, alpha]),
        "rgba8": np.dstack([bgr[..., ::-1], alpha]),
    }[encoding].copy()


@pytest.mark.parametrize("padding", [0, 5])
@pytest.mark.parametrize("encoding", ["bgr8", "8UC3", "rgb8", "bgra8", "8UC4", "rgba8"])
def test_colour_encodings(encoding, padding):
    pixels = encode(picture(), encoding)
    step = pixels.shape[1] * pixels.shape[2] + padding
    found = to_bgr(image_message(pixels, encoding, step))
    np.testing.assert_array_equal(found, picture())


@pytest.mark.parametrize("encoding", ["mono8", "8UC1"])
def test_grey_fills_three_channels(encoding):
    grey = picture()[..., 0].copy()
    found = to_bgr(image_message(grey, encoding, 40))
    np.testing.assert_array_equal(found, np.dstack([grey] * 3))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("encoding, kind", [("mono16", "u2"), ("16UC1", "u2"), ("32FC1", "f4")])
def test_more_than_8_bits_of_either_endianness(encoding, kind, order):
    """Of 12 bits, where the high byte alone would leave 16 grey levels."""
    values = np.random.default_rng(1).integers(0, 4096, (24, 30))
    message = image_message(values.astype(order + kind), encoding, 128, int(order == ">"))
    levels = Levels()
    found = to_bgr(message, levels)
    low, high = levels.range
    expected = np.clip((values - low) / (high - low), 0, 1) * 255
    np.testing.assert_allclose(found, np.dstack([expected] * 3), atol=0.51)


def planar_message(encoding: str, step: int) -> tuple[np.ndarray, SimpleNamespace]:
    """A picture of two colours, and what a camera sends that sees it: brightness, then colours."""
    bgr = np.zeros((8, 12, 3), np.uint8)
    bgr[:, :6], bgr[:, 6:] = COLOUR, COLOUR[::-1]
    i420 = cv2.cvtColor(bgr, cv2.COLOR_BGR2YUV_I420)  # of the same range: that of studios
    luma, (u, v) = i420[:8], i420[8:].reshape(2, 4, 6)
    colours = np.dstack((v, u) if encoding == "nv21" else (u, v))
    padding = step - 12
    if encoding == "nv24":
        colours, padding = colours.repeat(2, 0).repeat(2, 1), 2 * padding
    colours = np.pad(colours.reshape(len(colours), -1), ((0, 0), (0, padding)))
    data = np.pad(luma, ((0, 0), (0, step - 12))).tobytes() + colours.tobytes()
    return bgr, SimpleNamespace(
        height=8, width=12, encoding=encoding, is_bigendian=0, step=step, data=data
    )


@pytest.mark.parametrize("step", [12, 16])
@pytest.mark.parametrize("encoding", ["nv12", "nv21", "nv24"])
def test_colours_in_a_plane_of_their_own(encoding, step):
    bgr, message = planar_message(encoding, step)
    np.testing.assert_allclose(to_bgr(message), bgr, atol=6)


@pytest.mark.parametrize("encoding, step", [("nv12", 18), ("nv24", 36)])
def test_a_step_may_count_the_bytes_of_all_planes(encoding, step):
    """As OAK's driver does it."""
    bgr, message = planar_message(encoding, 12)
    message.step = step
    np.testing.assert_allclose(to_bgr(message), bgr, atol=6)


@pytest.mark.parametrize("encoding", ["yuv422", "uyvy", "yuv422_yuy2", "yuyv"])
def test_two_pixels_that_share_their_colour(encoding):
    y, u, v = cv2.cvtColor(np.full((1, 1, 3), COLOUR, np.uint8), cv2.COLOR_BGR2YUV)[0, 0]
    pair = (u, y, v, y) if encoding in ("yuv422", "uyvy") else (y, u, y, v)
    pixels = np.tile(np.array(pair, np.uint8).reshape(1, 2, 2), (12, 8, 1))
    found = to_bgr(image_message(pixels, encoding, 40))
    assert found.shape == (12, 16, 3)
    assert np.abs(found.astype(int) - COLOUR).max() < 30  # studio against full range
    assert (found[..., 0] > found[..., 1]).all() and (found[..., 1] > found[..., 2]).all()


@pytest.mark.parametrize("pattern", ["rggb", "bggr", "gbrg", "grbg"])
def test_bayer_mosaic_gives_its_colour_back(pattern):
    """`pattern` names the colours of a mosaic's first 2x2 pixels row by row, as ROS does."""
    value = dict(zip("bgr", COLOUR, strict=True))
    tile = np.array([value[colour] for colour in pattern], np.uint8).reshape(2, 2)
    message = image_message(np.tile(tile, (12, 16)), f"bayer_{pattern}8")
    assert (to_bgr(message) == COLOUR).all()
    # Of 12 bits: the lowest and the highest become 0 and 255.
    message = image_message(np.tile(tile.astype("<u2") * 16, (12, 16)), f"bayer_{pattern}16")
    assert (to_bgr(message) == (255, 128, 0)).all()


def test_bgr8_is_a_view_and_rows_may_be_padded():
    message = image_message(picture(), "bgr8", 100)
    assert np.shares_memory(image_to_bgr(message), message.data)


def test_data_of_rclpy_and_rosbags_reads_alike():
    import array

    message = image_message(picture(), "rgb8")
    from_rosbags = image_to_bgr(message)
    message.data = array.array("B", message.data.tobytes())
    np.testing.assert_array_equal(image_to_bgr(message), from_rosbags)


@pytest.mark.parametrize(
    "change, words",
    [
        ({"encoding": "nv42"}, "encoding 'nv42' is not one of bgr8, "),
        ({"encoding": "yuv422", "width": 29}, "29x24 pixels, but 2x1 of them share a colour"),
        ({"encoding": "nv12", "height": 23}, "30x23 pixels, but 2x2 of them share a colour"),
        ({"encoding": "nv21", "height": 48}, "2160 bytes, but 72 rows of 90 bytes take 6480"),
        ({"encoding": "nv24", "step": 29}, "step is 29 bytes, but 30 pixels of nv24 take 30"),
        ({"encoding": ""}, "encoding '' is not one of"),
        ({"encoding": "x" * 3000}, f"encoding '{'x' * 60}' is not one of"),
        ({"width": 0}, "0x24 pixels"),
        ({"height": 0}, "30x0 pixels"),
        ({"width": 2**31}, "each side must be between"),
        ({"step": 89}, "step is 89 bytes, but 30 pixels of bgr8 take 90"),
        ({"step": 0}, "step is 0"),
        ({"height": 25}, "data has 2160 bytes, but 25 rows of 90 bytes take 2250"),
        ({"data": b""}, "data has 0 bytes"),
        ({"encoding": "bayer_rggb8", "width": 2}, "too small"),
    ],
)
def test_malformed_image(change, words):
    message = image_message(picture(), "bgr8")
    message.__dict__.update(change)
    with pytest.raises(InputError, match=words):
        image_to_bgr(message)


@given(
    encoding=st.sampled_from([*ENCODINGS, "bogus"]),
    width=st.integers(0, 70000),
    height=st.integers(0, 70000),
    step=st.integers(0, 2**32 - 1),
    size=st.integers(0, 5000),
    big=st.integers(0, 255),
)
def test_any_image_message_is_read_or_refused(encoding, width, height, step, size, big):
    message = SimpleNamespace(
        encoding=encoding, width=width, height=height, step=step, is_bigendian=big, data=bytes(size)
    )
    try:
        found = image_to_bgr(message)
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert found.shape == (height, width, 3) and found.dtype == np.uint8


def compressed(image: np.ndarray, suffix: str):
    return SimpleNamespace(format=suffix[1:], data=cv2.imencode(suffix, image)[1])


def test_png_is_exact_and_jpeg_close():
    smooth = cv2.GaussianBlur(picture(48, 64), (0, 0), 4)
    np.testing.assert_array_equal(to_bgr(compressed(smooth, ".png")), smooth)
    found = to_bgr(compressed(smooth, ".jpg"))
    assert np.abs(found.astype(int) - smooth).max() < 12


def test_grey_16_bit_png_is_reduced_as_its_target_is():
    values = np.arange(0, 4096, 4, np.uint16).reshape(32, 32)
    levels = Levels()
    found = compressed_to_bgr(compressed(values, ".png"), levels)
    assert len(np.unique(found)) > 250
    half = compressed_to_bgr(compressed(values // 2, ".png"), levels)
    assert half.max() < 130  # by the same range


@pytest.mark.parametrize(
    "data, words",
    [
        (b"", "no data"),
        (b"not a picture at all", "not a picture"),
        (cv2.imencode(".jpg", picture(200, 200))[1].tobytes()[:9000], "truncated JPEG"),
    ],
)
def test_malformed_compressed_image(data, words):
    with pytest.raises(InputError, match=words):
        compressed_to_bgr(SimpleNamespace(format="jpeg", data=data))


@given(st.binary(max_size=300), st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"]))
def test_any_compressed_bytes_are_refused_in_one_sentence(data, head):
    with pytest.raises(InputError) as caught:
        compressed_to_bgr(SimpleNamespace(format="jpeg", data=head + data))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("encoding", ["mono8", "mono16"])
def test_an_image_that_memory_does_not_hold_is_told(encoding):
    script = """
import resource, sys
from types import SimpleNamespace
from tracker_ros.conversions.images import to_bgr
from tracker_ros.core.errors import InputError
step = 8000 * (2 if sys.argv[1] == "mono16" else 1)
image = SimpleNamespace(width=8000, height=8000, step=step, is_bigendian=0)
image.encoding, image.data = sys.argv[1], bytes(8000 * step)
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 2**26, used + 2**26))
try:
    to_bgr(image)
except InputError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, encoding], capture_output=True, text=True, check=True
    )
    assert re.fullmatch(r"image cannot be converted: .*alloc.*\n", done.stdout)


def deep_message() -> SimpleNamespace:
    """An image in an encoding that only cv_bridge knows: red, 16 bits a value."""
    pixels = np.zeros((4, 6, 3), "<u2")
    pixels[..., 0] = 65535
    return image_message(pixels, "rgb16")


def test_cv_bridge_reads_encodings_that_we_do_not():
    pytest.importorskip("cv_bridge", reason="it comes with a ROS 2 installation")
    found = to_bgr(deep_message())
    assert found.shape == (4, 6, 3) and found.dtype == np.uint8
    np.testing.assert_array_equal(found[0, 0], (0, 0, 255))


@pytest.fixture
def no_bridge(monkeypatch):
    """A Python without cv_bridge."""
    monkeypatch.setitem(sys.modules, "cv_bridge", None)
    _bridge.cache_clear()
    yield
    _bridge.cache_clear()


def test_without_cv_bridge_the_encoding_and_the_package_are_named(no_bridge):
    message = deep_message()
    for read in (to_bgr, check_readable):
        with pytest.raises(InputError, match=r"'rgb16' is not one of bgr8.*cv_bridge, which reads"):
            read(message)


def test_what_cv_bridge_refuses_is_one_sentence():
    pytest.importorskip("cv_bridge", reason="it comes with a ROS 2 installation")
    message = deep_message()
    message.encoding = "no such encoding"
    with pytest.raises(InputError, match="'no such encoding': cv_bridge cannot read it: "):
        to_bgr(message)


def test_messages_of_arrays_read_back():
    """The way back through real ROS messages."""
    pytest.importorskip("std_msgs")
    from std_msgs.msg import Header

    header = Header(frame_id="camera")
    crop = picture()[2:20, 3:25]
    message = bgr_to_image(crop, header)
    assert message.header == header
    np.testing.assert_array_equal(to_bgr(message), crop)
    jpeg = bgr_to_compressed(np.full((20, 20, 3), COLOUR, np.uint8), header)
    assert np.abs(to_bgr(jpeg).astype(int) - COLOUR).max() < 5
