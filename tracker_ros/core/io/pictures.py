"""Encoded pictures (JPEG, PNG, whatever OpenCV reads) to arrays and back, by one rule everywhere.

Pixels are used as they are stored. The tag that tells viewers to rotate a picture (EXIF's
orientation) is ignored: the boxes of OTB, VOT, COCO, ImageNet and similar sets were drawn on the
stored pixels, or their toolkits score them there, and a camera's driver writes no such tag.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from ..errors import InputError
from .files import replacing
from .levels import Levels

SHRUNK = {  # OpenCV's flag for each divisor of the sides
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
_JPEG, _END = b"\xff\xd8", b"\xff\xd9"
# In a JPEG's compressed data, FF is followed by 00; D0 to D7 restart the decoder.
_MARKER = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]", re.DOTALL)
_BARE = (0x01, *range(0xD0, 0xD9))  # markers without a length
_PADDING = bytes(range(1, 255)) * 4


def decode(data: bytes, shrink: int = 1, levels: Levels | None = None) -> np.ndarray:
    """Decode a picture to uint8 ``[H, W, 3]``, BGR.

    Args:
        data: the file's bytes.
        shrink: 1, 2, 4 or 8, by which to divide the sides.
        levels: of the target, for values of more than 8 bits; None: the picture's own.
    Raises:
        InputError: it is truncated, or no picture; the message continues a sentence that begins
            with the picture's name.
    """
    if data[:2] == _JPEG and not _ends(data):
        # It may be whole for all that. If not, what is added becomes part of the picture.
        found = data.rstrip(b"\0") if data.endswith(b"\0\0\0") else data  # room never written to
        pixels, other = (_decode(found + rest + _END, shrink) for rest in (b"", _PADDING))
        if not np.array_equal(pixels, other):
            raise InputError(f"is a truncated JPEG of {len(data)} bytes")
    else:
        pixels = _decode(data, shrink)
    return pixels if pixels.dtype == np.uint8 else (levels or Levels()).reduce(pixels)


def write_picture(path: Path, image: np.ndarray) -> None:
    """Write uint8 [H, W, 3] BGR in the format of the path's suffix, whole or not at all.

    Raises InputError for a suffix of no picture, or of one that cannot hold it, OSError that names
    the file.
    """
    check_suffix(path)
    try:
        data = encode(path.suffix, image)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    with replacing(path) as part:
        part.write_bytes(data.tobytes())


def encode(suffix: str, image: np.ndarray, options: Sequence[int] = ()) -> np.ndarray:
    """uint8 [H, W, 3] BGR in the format of ``suffix``: uint8 [N], the file's bytes.

    options: OpenCV's numbers and values. Raises InputError where the format cannot hold it.
    """
    try:
        done, data = cv2.imencode(suffix, image, options)
    except cv2.error:
        done = False
    if not done:  # as JPEG of more than 65,500 pixels a side, or .pgm, which has no colours
        width, height = image.shape[1::-1]
        raise InputError(f"{suffix} does not hold a picture of {width}x{height}")
    return data


def check_suffix(path: Path) -> None:
    """Raise InputError where no picture can be written under that name."""
    if not cv2.haveImageWriter(f"_{path.suffix}"):
        raise InputError(f"{path}: {path.suffix!r} is no suffix of a picture, as .png is")


def _decode(data: bytes, shrink: int) -> np.ndarray:
    if not data:
        raise InputError("is not a picture but empty")
    flags = cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION
    content = np.frombuffer(data, np.uint8)
    try:
        pixels = cv2.imdecode(content, flags | SHRUNK[shrink])
        if pixels is None:  # as TIFF with one channel of floats, of which it makes no colours
            pixels = _grey(cv2.imdecode(content, flags), shrink)
    except cv2.error as error:
        if "MAX_IMAGE_PIXELS" in error.err:
            limit = "OPENCV_IO_MAX_IMAGE_PIXELS allows"
            raise InputError(f"of {len(data)} bytes has more pixels than {limit}") from None
        raise InputError(f"of {len(data)} bytes cannot be decoded: {error.err}") from None
    if pixels is None:
        raise InputError(f"is not a picture that OpenCV can decode ({len(data)} bytes)")
    return pixels


def _grey(pixels: np.ndarray | None, shrink: int) -> np.ndarray | None:
    if pixels is None or pixels.ndim != 2 or pixels.dtype == np.uint8:
        return None
    height, width = (-(-side // shrink) for side in pixels.shape)
    return cv2.merge([cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)] * 3)


def _ends(data: bytes) -> bool:
    """Whether a JPEG comes to its end marker, whatever follows that (a motion photo's film)."""
    place = 2
    while True:
        found = _MARKER.search(data, place)
        if not found:
            return False
        code, place = data[found.end() - 1], found.end()
        if code == _END[1]:
            return True
        if code not in _BARE:
            place += int.from_bytes(data[place : place + 2], "big")
