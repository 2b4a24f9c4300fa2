"""compressedDepth: what the transport's own encoder makes of a depth image is read back."""

import array
import struct
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from tracker_ros.core.errors import InputError
from tracker_ros.runtime.follow.compressed_depth import decode

A, B = 101.0, -0.5  # quantisation of 32FC1


def depth(shape=(48, 64)):
    """Millimetres with holes, the first and the last pixel among them, uint16 [H, W]."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    values = (2000 + 7 * rows + 90 * (columns > 30) * (rows % 5)).astype(np.uint16)
    values[10:20, 5:40], values[0, 0], values[-1, -3:], values[30, 30] = 0, 0, 0, 65535
    return values


def png(values: np.ndarray) -> bytes:
    return cv2.imencode(".png", values)[1].tobytes()


def rvl(values: np.ndarray) -> bytes:
    """As the listing in Wilson's paper does it, number by number."""
    numbers, pixels, before = [], values.ravel().tolist(), 0
    while pixels:
        for none in (True, False):
            run = next((i for i, one in enumerate(pixels) if (one == 0) != none), len(pixels))
            numbers.append(run)
            for one in () if none else pixels[:run]:
                change, before = one - before, one
                numbers.append((change << 1) ^ (change >> 31))
            pixels = pixels[run:]
    digits = ""
    for number in numbers:
        while number > 7:
            digits, number = digits + f"{number & 7 | 8:x}", number >> 3
        digits += f"{number:x}"
    digits += "0" * (-len(digits) % 8)
    words = [int(digits[i : i + 8], 16) for i in range(0, len(digits), 8)]
    return struct.pack(f"<{2 + len(words)}I", *values.shape[::-1], *words)


def message(content: bytes, form: str = "16UC1; compressedDepth png"):
    data = array.array("B", struct.pack("<iff", 0, A, B) + content)
    return SimpleNamespace(format=form, data=data)


@pytest.mark.parametrize("encode, form", [
    (png, "16UC1; compressedDepth"), (png, "16UC1; compressedDepth png"),
    (png, "mono16; compressedDepth png"), (rvl, "16UC1; compressedDepth rvl"),
])  # fmt: skip
def test_sixteen_bits_come_back_as_they_were(encode, form):
    for values in (depth(), np.zeros((5, 7), np.uint16), np.full((1, 1), 9, np.uint16)):
        found, scale = decode(message(encode(values), form), 0.25)
        np.testing.assert_array_equal(found, values)
        assert scale == 0.25


@pytest.mark.parametrize("encode, codec", [(png, "png"), (rvl, "rvl")])
def test_floats_come_back_as_metres(encode, codec):
    metres = depth() / 1000
    with np.errstate(divide="ignore"):
        values = np.where(metres > 0, A / metres + B, 0).astype(np.uint16)
    found, scale = decode(message(encode(values), f"32FC1; compressedDepth {codec}"), 0.25)
    np.testing.assert_array_equal(np.isnan(found), metres == 0)
    seen = (metres > 0) & (metres < 10)
    np.testing.assert_allclose(found[seen], metres[seen], rtol=0.03)
    assert scale == 1.0


def sized(width, height):
    picture = png(depth())
    return picture[:16] + struct.pack(">II", width, height) + picture[24:]


@pytest.mark.parametrize("msg, words", [
    (message(png(depth()), "png"), "format 'png', which is not one of 16UC1, mono16, 32FC1 and th"),
    (message(png(depth()), "bgr8; jpeg compressed bgr8"), "format 'bgr8; jpeg compressed bgr8'"),
    (message(png(depth()), "16UC1; compressedDepth zstd"), "format '16UC1; compressedDepth zstd'"),
    (message(b""), "compressed depth has only 12 bytes"),
    (message(b"\0" * 100), "compressed depth of 100 bytes is no whole PNG"),
    (message(png(depth())[:-20]), "bytes is no whole PNG"),
    (message(png(depth())[:60] + b"IEND\xaeB`\x82"), "is a PNG that cannot be decoded"),
    (message(png(np.zeros((4, 4), np.uint8))), "but not one of 16 bits without colours"),
    (message(png(np.zeros((4, 4, 3), np.uint16))), "but not one of 16 bits without colours"),
    (message(sized(0, 9)), "compressed depth of 0x9 pixels"),
    (message(sized(2**30, 9)), "compressed depth of 1073741824x9 pixels"),
    (message(b"\0" * 7, "16UC1; compressedDepth rvl"), "of 7 bytes is no RVL"),
    (message(rvl(depth())[:90], "16UC1; compressedDepth rvl"), "goes wrong at pixel .* of 64x48"),
    (message(rvl(depth())[:8] + b"\0" * 90, "16UC1; compressedDepth rvl"), "wrong at pixel 0 of"),
    (message(rvl(depth())[:8] + b"\xff" * 90, "16UC1; compressedDepth rvl"), "that is too long"),
    (message(struct.pack("<II", 2**31, 2), "16UC1; compressedDepth rvl"), "of 2147483648x2 pixels"),
])  # fmt: skip
def test_unusable_compressed_depth(msg, words):
    with pytest.raises(InputError, match=words):
        decode(msg, 0.001)
