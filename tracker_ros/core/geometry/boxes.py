"""Boxes are (x, y, width, height): top-left corner and size in pixels, sub-pixel floats."""

import math
import reprlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import InputError
from ..io.numbers import parse_number

Box = tuple[float, float, float, float]
Point = tuple[float, float]  # x and y
ABSENT: Box = (math.nan,) * 4  # where there is no target
MIN_SIDE = 2.0  # pixels: below this nothing can be recognised
MAX_IMAGE_SIDE = 16384  # pixels: above this an image is taken for a corrupt one


def parse_box(text: str) -> Box:
    """Read ``x,y,w,h``. Raises InputError unless it is four finite numbers, w and h above 0."""
    try:
        x, y, w, h = map(parse_number, text.split(","))
    except ValueError:
        x = y = w = h = math.nan
    if not (math.isfinite(x) and math.isfinite(y) and 0 < w < math.inf and 0 < h < math.inf):
        raise InputError(f"{text!r} is not x,y,w,h in pixels, w and h above 0")
    return x, y, w, h


def check_image(image: np.ndarray) -> np.ndarray:
    """Return ``image`` if it is uint8 [H, W, 3] with sane sides. Raises InputError otherwise."""
    if not isinstance(image, np.ndarray):
        raise InputError(f"image is {type(image).__name__}, not a NumPy array")
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise InputError(
            f"image is {image.dtype} of shape {image.shape}, not uint8 (height, width, 3)"
        )
    height, width = image.shape[:2]
    if not (min(height, width) >= MIN_SIDE and max(height, width) <= MAX_IMAGE_SIDE):
        raise InputError(f"image is {width}x{height} pixels, outside 2 to {MAX_IMAGE_SIDE} a side")
    return image


def numbers(box: Sequence[float]) -> Box:
    """``box`` as four finite numbers. Raises InputError for anything else."""
    try:
        if isinstance(box, str | bytes | set | dict):
            raise TypeError("these yield four items, too, in no order or none that is meant")
        x, y, w, h = map(_number, box)
    except (TypeError, ValueError, OverflowError) as error:
        shown = " ".join(reprlib.repr(box).split())
        raise InputError(f"box {shown} is not four numbers x, y, width, height") from error
    if not all(math.isfinite(value) for value in (x, y, w, h)):
        raise InputError(f"box ({x}, {y}, {w}, {h}) holds a value that is not finite")
    return x, y, w, h


def _number(value: Any) -> float:
    return parse_number(value) if isinstance(value, str) else float(value)


def check_box(box: Sequence[float], image: np.ndarray) -> Box:
    """Return ``box`` clipped to ``image``. Raises InputError for NaN, tiny or outside boxes."""
    x, y, w, h = numbers(box)
    if w < MIN_SIDE or h < MIN_SIDE:
        raise InputError(
            f"box ({x:g}, {y:g}, {w:g}, {h:g}) is smaller than {MIN_SIDE:g} pixels a side"
        )
    inside = visible_part((x, y, w, h), image)
    if inside[2] < MIN_SIDE or inside[3] < MIN_SIDE:
        height, width = image.shape[:2]
        raise InputError(
            f"box ({x:g}, {y:g}, {w:g}, {h:g}) lies outside the {width}x{height} image"
        )
    return inside


def visible_part(box: Box, image: np.ndarray) -> Box:
    """The part of ``box`` that lies in ``image``; its sides are 0 or below where none does."""
    x, y, w, h = box
    height, width = image.shape[:2]
    left, top = max(x, 0.0), max(y, 0.0)
    return left, top, min(x + w, width) - left, min(y + h, height) - top


def overlap(a: Box, b: Box) -> float:
    """Intersection over union."""
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    shared = max(width, 0.0) * max(height, 0.0)
    return shared / (a[2] * a[3] + b[2] * b[3] - shared)


def iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes [..., 4], which are broadcast: float64 [...].

    0 where either box has no area or holds a NaN.
    """
    a, b = np.asarray(a, float), np.asarray(b, float)
    low = np.maximum(a[..., :2], b[..., :2])
    with np.errstate(over="ignore", invalid="ignore"):  # of boxes beyond all images
        high = np.minimum(a[..., :2] + a[..., 2:], b[..., :2] + b[..., 2:])
        shared = np.maximum(high - low, 0).prod(-1)
        union = a[..., 2:].prod(-1) + b[..., 2:].prod(-1) - shared
    valid = (a[..., 2:] > 0).all(-1) & (b[..., 2:] > 0).all(-1) & (union > 0)
    return np.clip(np.divide(shared, union, out=np.zeros(union.shape), where=valid), 0, 1)


def scaled(box: Box, wider: float, higher: float) -> Box:
    """``box`` around the same centre, its width and height times these factors."""
    x, y, w, h = box
    return x + w * (1 - wider) / 2, y + h * (1 - higher) / 2, w * wider, h * higher


def shifted(box: Box, step: Point) -> Box:
    """``box``, moved by x, y."""
    return box[0] + step[0], box[1] + step[1], box[2], box[3]


def clip_box(box: Box, image: np.ndarray, minimum: float = 4.0) -> Box:
    """Keep a predicted box usable: at least ``minimum`` pixels a side, centre inside the image."""
    x, y, w, h = box
    height, width = image.shape[:2]
    cx, cy = min(max(x + w / 2, 0.0), width), min(max(y + h / 2, 0.0), height)
    w, h = min(max(w, minimum), width), min(max(h, minimum), height)
    return cx - w / 2, cy - h / 2, w, h


def at_rim(box: Box, image: np.ndarray, share: float) -> bool:
    """Whether a box comes nearer to the image's rim than this share of its width or height."""
    x, y, w, h = box
    height, width = image.shape[:2]
    across, down = share * w, share * h
    return x <= across or y <= down or x + w >= width - across or y + h >= height - down


def mask_box(mask: np.ndarray) -> Box | None:
    """The smallest box (x, y, w, h) of whole pixels around a mask, bool [H, W]; None if empty."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return None
    x, y = float(columns[0]), float(rows[0])
    return x, y, columns[-1] + 1.0 - x, rows[-1] + 1.0 - y
