"""Depth as the transport compressedDepth sends it: 12 bytes about it, then a PNG or RVL.

The bytes are a number that nothing is read from, and two floats, A and B. In a 32FC1 image a pixel
``q`` is ``A / (q - B)`` metres, and 0 was not measured; a 16UC1 image is as it is.

RVL (Wilson 2017) is width and height in 4 bytes each, then numbers: how many zeros come, how many
others, and for each of these its difference from the one before, turned so that small ones of
either sign are small. A number is groups of 3 bits, the lowest first, each with a bit that says
whether another follows; eight such groups are a word of 4 bytes, its first group the highest.
"""

import struct

import cv2
import numpy as np

from ...conversions.images import check_size
from ...core.errors import InputError
from .inputs import ENCODINGS

_HEADER = struct.Struct("<iff")
_PNG, _PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"
_LONGEST = 10  # groups of a number: 30 bits, more than an image has pixels


def decode(msg, depth_scale: float) -> tuple[np.ndarray, float]:
    """A sensor_msgs/CompressedImage of compressedDepth as ``inputs.depth_image`` does an Image.

    Raises InputError.
    """
    encoding, _, codec = (part.strip() for part in msg.format.partition(";"))
    if encoding not in ENCODINGS or codec not in CODECS:
        raise InputError(
            f"compressed depth has the format {msg.format[:60]!r}, which is not one of"
            f" {', '.join(ENCODINGS)} and then one of {', '.join(f'; {one}' for one in CODECS)}"
        )
    data = bytes(memoryview(msg.data))
    if len(data) <= _HEADER.size:
        raise InputError(f"compressed depth has only {len(data)} bytes")
    _, a, b = _HEADER.unpack_from(data)
    content = data[_HEADER.size :]
    values = CODECS[codec](content)
    if ENCODINGS[encoding] != "f4":
        return values, depth_scale
    with np.errstate(all="ignore"):
        metres = np.float32(a) / (values.astype(np.float32) - np.float32(b))
    metres[values == 0] = np.nan
    return metres, 1.0


def _png(data: bytes) -> np.ndarray:
    """uint16 [H, W]."""
    # OpenCV makes a picture of half a PNG, too.
    if not data.startswith(_PNG) or not data.rstrip(b"\0").endswith(_PNG_END):
        raise InputError(f"compressed depth of {len(data)} bytes is no whole PNG")
    check_size("compressed depth", *struct.unpack_from(">II", data, 16))
    try:
        values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        values = None
    if values is None:
        raise InputError(f"compressed depth of {len(data)} bytes is a PNG that cannot be decoded")
    if values.ndim != 2 or values.dtype != np.uint16:
        raise InputError("compressed depth is a PNG, but not one of 16 bits without colours")
    return values


def _rvl(data: bytes) -> np.ndarray:
    """uint16 [H, W]."""
    if len(data) < 8:
        raise InputError(f"compressed depth of {len(data)} bytes is no RVL")
    width, height = struct.unpack_from("<II", data)
    check_size("compressed depth", width, height)
    numbers, pixels = _numbers(data[8:]), width * height
    runs, at, place = [], 0, 0  # of each run of others the first number, the first pixel, how many
    listed = [*numbers.tolist(), 0, 0]  # past the end comes nothing
    while place < pixels:
        zeros, others = listed[at : at + 2] if at < len(numbers) else (0, 0)
        place, at = place + zeros, at + 2
        if zeros == others == 0 or place + others > pixels or at + others > len(numbers):
            raise InputError(
                f"compressed depth is RVL that ends or goes wrong at pixel {min(place, pixels)} of"
                f" {width}x{height}"
            )
        runs.append((at, place, others))
        place, at = place + others, at + others
    first, pixel, count = np.array(runs).T
    within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    turned = numbers[np.repeat(first, count) + within]
    values = np.zeros(pixels, np.uint16)
    values[np.repeat(pixel, count) + within] = np.cumsum((turned >> 1) ^ -(turned & 1)) & 0xFFFF
    return values.reshape(height, width)


def _numbers(data: bytes) -> np.ndarray:
    """int64 [N]."""
    words = np.frombuffer(data, "<u4", count=len(data) // 4)
    groups = ((words[:, None] >> np.arange(28, -1, -4, dtype=np.uint32)) & 15).ravel()
    ends = np.flatnonzero(groups < 8)
    starts = np.append(0, ends[:-1] + 1)[: len(ends)]
    lengths = ends - starts + 1
    if len(ends) == 0 or lengths.max() > _LONGEST:
        raise InputError("compressed depth is RVL with a number that is too long")
    shifts = np.arange(ends[-1] + 1) - np.repeat(starts, lengths)
    bits = (groups[: ends[-1] + 1] & 7).astype(np.int64) << (3 * shifts)
    return np.add.reduceat(bits, starts)


# By what the format says behind the encoding.
CODECS = {"compressedDepth": _png, "compressedDepth png": _png, "compressedDepth rvl": _rvl}
