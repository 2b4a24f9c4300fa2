"""The one place where ROS messages and arrays meet.

Images are uint8 [H, W, 3] BGR; boxes are (x, y, w, h) floats in pixels of the subscribed image,
top-left corner first, pixel i covering [i, i + 1). Messages are read by their fields only, so those
of rclpy and of rosbags both work, and rclpy is not needed to read them. What makes messages takes a
``Make``: ``ros_message``, or ``sources.bag.typestore.bag_message`` to write bags without ROS.
"""

import array
import functools
import importlib
import math
import sys
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from .core.errors import InputError, brief
from .core.geometry.boxes import MAX_IMAGE_SIDE, Box
from .core.io.encodings import ENCODINGS, Encoding
from .core.io.levels import Levels
from .core.io.pictures import decode, encode

# Makes a message, such as Make("std_msgs/msg/Header", frame_id="camera"), the rest as by default.
Make = Callable[..., Any]

BRIDGED = Encoding("u1", 0)  # how cv_bridge's others lie in memory is for it to know

MAX_NAME = 200  # characters of an id or a class, which each frame's status repeats
UPRIGHT = 1e-3  # rad: moves the corner of a box of 1000 pixels by half a pixel


def ros_message(name: str, /, **values):
    """A message of rclpy's class for ``name``, such as "std_msgs/msg/Header"."""
    package, _, kind = name.split("/")
    return getattr(importlib.import_module(f"{package}.msg"), kind)(**values)


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


def check(msg) -> None:
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
    check(msg)
    try:
        return decode(bytes(memoryview(msg.data)), levels=levels)
    except InputError as error:
        raise InputError(f"compressed image of format {msg.format[:60]!r} {error}") from None


def stamp_to_ns(stamp) -> int:
    """builtin_interfaces/Time to nanoseconds."""
    return stamp.sec * 1_000_000_000 + stamp.nanosec


def seconds(nanoseconds: int) -> str:
    """Nanoseconds as seconds, with all digits, which a stamp as a float would not have."""
    whole, rest = divmod(abs(nanoseconds), 1_000_000_000)
    return f"{'-' if nanoseconds < 0 else ''}{whole}.{rest:09d}"


def ns_to_stamp(nanoseconds: int, make: Make = ros_message):
    """Nanoseconds to builtin_interfaces/Time. Raises InputError where it does not hold them."""
    whole, rest = divmod(nanoseconds, 1_000_000_000)
    if not -(2**31) <= whole < 2**31:
        raise InputError(f"a ROS message cannot hold the stamp {seconds(nanoseconds)}")
    return make("builtin_interfaces/msg/Time", sec=whole, nanosec=rest)


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


def box_to_detection(
    box: Box,
    header,
    target_id: str = "",
    class_id: str = "",
    score: float = 1.0,
    make: Make = ros_message,
):
    """Box to vision_msgs/Detection2D with one hypothesis."""
    x, y, w, h = (float(value) for value in box)
    detection = make("vision_msgs/msg/Detection2D", header=header, id=target_id)
    detection.bbox.center.position.x = x + w / 2
    detection.bbox.center.position.y = y + h / 2
    detection.bbox.size_x, detection.bbox.size_y = w, h
    hypothesis = make("vision_msgs/msg/ObjectHypothesisWithPose")
    hypothesis.hypothesis.class_id = class_id
    hypothesis.hypothesis.score = float(score)
    detection.results.append(hypothesis)
    return detection


def truth_to_detections(box: Box, header, make: Make = ros_message):
    """The true box as vision_msgs/Detection2DArray; none where it is NaN, the target absent."""
    array = make("vision_msgs/msg/Detection2DArray", header=header)
    if box[2] > 0:
        array.detections.append(box_to_detection(box, header, make=make))
    return array


def detection_to_box(msg) -> Box:
    """vision_msgs/Detection2D to a box. Raises InputError if not finite, without area or rotated.

    A box turned by half a turn is the same box; one turned by less than ``UPRIGHT`` is upright.

    Whether the box lies in its image is for the tracker to check, which sees both.
    """
    center, w, h = msg.bbox.center, msg.bbox.size_x, msg.bbox.size_y
    values = (center.position.x, center.position.y, w, h, center.theta)
    if not all(math.isfinite(value) for value in values):
        raise InputError(
            "box has a value that is not finite: centre ({}, {}), size {} x {}, theta {}".format(
                *values
            )
        )
    if w <= 0 or h <= 0:
        raise InputError(f"box of size {w:g} x {h:g} has no area")
    if abs(math.remainder(center.theta, math.pi)) > UPRIGHT:
        raise InputError(
            f"box is rotated by {center.theta:g} rad, but only upright boxes can be tracked"
        )
    return (center.position.x - w / 2, center.position.y - h / 2, w, h)


def check_name(what: str, name: str) -> None:
    """Raise InputError for an id or a class that is too long to be one."""
    if len(name) > MAX_NAME:
        raise InputError(f"{what} of {len(name)} characters is longer than {MAX_NAME}")


def detections_to_candidates(msg) -> tuple[list[tuple[float, str, Box]], list[str]]:
    """vision_msgs/Detection2DArray to (score, class, box) of every hypothesis, the surest first.

    Also returns one sentence for each kind of detection that cannot be used.
    """
    found, problems = [], []
    nameless = sum(not detection.results for detection in msg.detections)
    if nameless:
        problems.append(
            f"{nameless} of {len(msg.detections)} detections have no hypothesis, that"
            " is, neither class nor score, and are not used"
        )
    for detection in msg.detections:
        hypotheses = [result.hypothesis for result in detection.results]
        if not hypotheses:
            continue
        try:
            box = detection_to_box(detection)
        except InputError as error:
            problems.append(str(error))
            continue
        for hypothesis in hypotheses:
            try:
                check_name("a detection's class", hypothesis.class_id)
            except InputError as error:
                problems.append(str(error))
                continue
            if math.isfinite(hypothesis.score):
                found.append((hypothesis.score, hypothesis.class_id, box))
            else:
                problems.append(
                    f"score {hypothesis.score} of a detection of class"
                    f" {hypothesis.class_id!r} is not finite"
                )
    return sorted(found, key=lambda item: -item[0]), problems
