"""sensor_msgs/Image and CompressedImage to uint8 [H, W, 3] BGR, and back."""

import array
import functools
import sys
from typing import Any

import cv2
import numpy as np

from ..core.errors import InputError, brief
from ..core.geometry.boxes import MAX_IMAGE_SIDE
from ..core.io.encodings import ENCODINGS, Encoding
from ..core.io.levels import Levels
from ..core.io.pictures import decode, encode
from .make import Make, ros_message

BRIDGED = Encoding("u1", 0)  # how cv_bridge's others lie in memory is for it to know


def to_bgr(msg, levels: Levels | None = None) -> np.ndarray:
    """Image or CompressedImage to uint8 [H, W, 3] BGR; raises InputError.

    levels: of the target, for values of more than 8 bits; None: the picture's own.
    """
    read = image_to_bgr if hasattr(msg, "encoding") else compressed_to_bgr
    try:
        return read(msg, levels)
    except (MemoryError, cv2.error) as error:  # which is no reason to lose a target
        said = getattr(error, "err", "") or brief(error)
        raise InputError(f"image cannot be converted: {said}") from None


def check_readable(msg) -> None:
    """Raise InputError where Image or CompressedImage ``msg`` is unusable at a glance."""
    if hasattr(msg, "encoding"):
        check_image_message(msg)
    elif not len(msg.data):
        raise InputError("compressed image has no data")


def image_to_bgr(msg, levels: Levels | None = None) -> np.ndarray:
    """sensor_msgs/Image to uint8 [H, W, 3] BGR, for bgr8 as a view of the message's data.

    levels: as for ``to_bgr``. Encodings that are not in ENCODINGS are read by cv_bridge where it is
    installed. Raises InputError for an unknown encoding, an impossible size, or data too short.
    """
    check_image_message(msg)
    encoding = _encoding(msg)
    if encoding is BRIDGED:
        return _bridged(msg)
    rows, step = _rows(msg)
    data = np.frombuffer(msg.data, np.uint8, count=rows * step).reshape(rows, step)
    return encoding.to_bgr(data, msg.width, bool(msg.is_bigendian), levels)


@functools.cache
def _bridge() -> Any:
    """cv_bridge's converter, None where it is not installed.

    Nor where it was built for NumPy 1 (Humble, Jazzy) and NumPy 2 is there: its import fails.
    """
    try:
        from cv_bridge import CvBridge
    except (ImportError, AttributeError):
        return None
    return CvBridge()


def _bridged(msg) -> np.ndarray:
    """An image by cv_bridge: uint8 [H, W, 3] BGR. Raises InputError."""
    try:
        return _bridge().imgmsg_to_cv2(msg, "bgr8")
    # Its own CvBridgeError is a TypeError.
    except (TypeError, ValueError, LookupError, RuntimeError, cv2.error) as error:
        raise InputError(
            f"image encoding {msg.encoding!r}: cv_bridge cannot read it: {brief(error)}"
        ) from None


def check_image_message(msg) -> None:
    """Raise InputError where sensor_msgs/Image ``msg`` cannot be read; reads no pixels."""
    encoding = _encoding(msg)
    if encoding is BRIDGED and _bridge() is None:
        raise InputError(
            f"image encoding {msg.encoding[:60]!r} is not one of {', '.join(ENCODINGS)};"
            " cv_bridge, which reads more, is not installed for this Python and NumPy"
        )
    check_size("image", msg.width, msg.height)
    if msg.encoding.startswith("bayer") and (msg.width < 3 or msg.height < 3):
        raise InputError(
            f"{msg.encoding} image of {msg.width}x{msg.height} pixels is too small"
            " to find its colours"
        )
    across, down = encoding.shared
    if msg.width % across or msg.height % down:
        raise InputError(
            f"{msg.encoding} image of {msg.width}x{msg.height} pixels, but {across}x{down} of them"
            " share a colour"
        )
    check_row("image", msg, encoding.pixel)
    check_data("image", msg, *_rows(msg))


def _encoding(msg) -> Encoding:
    return ENCODINGS.get(msg.encoding, BRIDGED)


def _rows(msg) -> tuple[int, int]:
    """How many rows of how many bytes an image has, with those of all its planes."""
    rows = int(msg.height * _encoding(msg).planes)
    # Some drivers (OAK's) divide all data by the picture's rows, and call that the step.
    divided = msg.step * msg.height == msg.width * rows and len(msg.data) < msg.step * rows
    return rows, msg.width if divided else msg.step


def check_size(what: str, width: int, height: int) -> None:
    """Raise InputError unless ``width`` and ``height`` are those of a picture."""
    if not (0 < width <= MAX_IMAGE_SIDE and 0 < height <= MAX_IMAGE_SIDE):
        raise InputError(
            f"{what} of {width}x{height} pixels, but each side must be between 1 and"
            f" {MAX_IMAGE_SIDE}"
        )


def check_row(what: str, msg, pixel: int) -> None:
    """Raise InputError where a row of pixels of so many bytes is longer than the step."""
    row = msg.width * pixel
    if msg.step < row:
        raise InputError(
            f"{what} step is {msg.step} bytes, but {msg.width} pixels of {msg.encoding} take {row}"
        )


def check_data(what: str, msg, rows: int, step: int) -> None:
    """Raise InputError where ``msg.data`` is too short for ``rows`` of ``step`` bytes."""
    if len(msg.data) < rows * step:
        raise InputError(
            f"{what} data has {len(msg.data)} bytes, but {rows} rows of {step} bytes take"
            f" {rows * step}"
        )


def compressed_to_bgr(msg, levels: Levels | None = None) -> np.ndarray:
    """sensor_msgs/CompressedImage (JPEG, PNG, whatever OpenCV reads) to uint8 [H, W, 3] BGR.

    An orientation tag is not applied: boxes are in the pixels as stored. levels: as for ``to_bgr``.
    Raises InputError for data that is empty, truncated or not a picture.
    """
    check_readable(msg)
    try:
        return decode(bytes(memoryview(msg.data)), levels=levels)
    except InputError as error:
        raise InputError(f"compressed image of format {msg.format[:60]!r} {error}") from None


def bgr_to_image(image: np.ndarray, header, make: Make = ros_message):
    """uint8 [H, W, 3] BGR to sensor_msgs/Image, encoding bgr8."""
    height, width = image.shape[:2]
    return make(
        "sensor_msgs/msg/Image",
        header=header,
        height=height,
        width=width,
        encoding="bgr8",
        step=width * 3,
        is_bigendian=int(sys.byteorder == "big"),
        data=_bytes(image),
    )


def bgr_to_compressed(image: np.ndarray, header, quality: int = 95, make: Make = ros_message):
    """uint8 [H, W, 3] BGR to sensor_msgs/CompressedImage, a JPEG of ``quality`` from 1 to 100.

    Raises InputError for a picture that is too large for JPEG.
    """
    data = encode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, quality))
    return make(
        "sensor_msgs/msg/CompressedImage",
        header=header,
        format="bgr8; jpeg compressed bgr8",
        data=_bytes(data),
    )


def _bytes(data: np.ndarray) -> array.array:
    # rclpy checks anything but an array.array element by element, which takes 100 times longer.
    result = array.array("B")
    result.frombytes(np.ascontiguousarray(data))
    return result
