"""Views of a target in its first frame, changed as it may look later."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np

from ..geometry.boxes import Box
from ..geometry.crop import crop, window_around

SCALES = 32  # views of other scales and proportions
SPREAD, PROPORTION, JITTER = 0.24, 0.06, 0.03  # logarithms, and sides of the target
WIDER = 2  # times the window's side is cut out once; the views are cut out of that


class FirstView(NamedTuple):
    """A crop, uint8 [S, S, 3] BGR, and the target's upright box in it, x, y, w, h in its pixels."""

    crop: np.ndarray
    box: Box


class Change(NamedTuple):
    """How a view differs: zoom of both axes, rotation (radians), shift in sides of the target."""

    zoom: tuple[float, float] = (1.0, 1.0)
    angle: float = 0.0
    shift: tuple[float, float] = (0.0, 0.0)
    mirrored: bool = False
    blur: float = 0.0  # standard deviation, pixels


# The first is the frame as it is.
PLACES = (
    Change(),
    Change(mirrored=True),
    Change(blur=1.5),
    Change(angle=0.3),
    Change(angle=-0.3),
    Change(angle=0.6),
    Change(angle=-0.6),
    Change((0.91, 0.91)),
    Change((1.11, 1.11)),
    Change(shift=(0.3, 0.1)),
    Change(shift=(-0.3, -0.2)),
    Change(shift=(0.2, -0.3)),
)


def first_views(image: np.ndarray, box: Box, factor: float, size: int) -> list[FirstView]:
    """Views of the target: first those of ``PLACES``, then ``SCALES`` views of other scales.

    Args:
        image: uint8 [H, W, 3]. box: x, y, w, h, image pixels.
        factor: side of a window in units of √(w·h). size: of a view, pixels.
    """
    wide = window_around(box, WIDER * factor, WIDER * size)
    x, y, w, h = wide.to_crop(box)
    target = size / factor  # side, pixels of a view
    zoom = target / math.sqrt(w * h)
    picture = crop(image, wide)
    return [
        _view(picture, (x + w / 2, y + h / 2), (w * zoom, h * zoom), zoom, size, change)
        for change in (*PLACES, *_scales())
    ]


def _scales() -> Iterator[Change]:
    # The same for every target, so that a run can be repeated.
    draw = np.random.default_rng(0)
    for _ in range(SCALES):
        both, apart = draw.uniform(-SPREAD, SPREAD), draw.uniform(-PROPORTION, PROPORTION)
        shift = tuple(JITTER * draw.standard_normal(2))
        yield Change((math.exp(both + apart), math.exp(both - apart)), shift=shift)


def _view(
    image: np.ndarray,
    centre: tuple[float, float],
    sides: tuple[float, float],
    zoom: float,
    size: int,
    change: Change,
) -> FirstView:
    across, down = zoom * change.zoom[0], zoom * change.zoom[1]
    cos, sin = math.cos(change.angle), math.sin(change.angle)
    turned = np.array([[cos * across, -sin * down], [sin * across, cos * down]])
    if change.mirrored:
        turned[0] *= -1
    target = math.sqrt(sides[0] * sides[1])
    middle = size / 2 - target * np.array(change.shift) * np.array(change.zoom)
    # OpenCV counts from the middle of the first pixel, boxes from its corner.
    start = middle - 0.5 - turned @ (np.array(centre) - 0.5)
    matrix = np.column_stack([turned, start])
    picture = cv2.warpAffine(image, matrix, (size, size), borderMode=cv2.BORDER_REPLICATE)
    if change.blur:
        picture = cv2.GaussianBlur(picture, (0, 0), change.blur)
    w, h = sides[0] * change.zoom[0], sides[1] * change.zoom[1]
    return FirstView(picture, (middle[0] - w / 2, middle[1] - h / 2, w, h))
