"""Views of a target for the refiner: cut-outs over other pictures, and boxes drawn loosely."""

import math
from dataclasses import replace

import cv2
import numpy as np

from ...core.geometry.boxes import Box, mask_box, scaled
from ..data.clips import Clip, View
from ..samples.geometry import Rng
from .occluders import CutOut

LEAST, LONGEST = 8.0, 5.0  # pixels of a side, and of the longer in units of the shorter
# How far loose boxes differ from their targets: logarithms of both sides together (mean and
# deviation) and of each; the centre, in sides.
MARGIN, UNEVEN, AWAY = (0.1, 0.2), 0.1, 0.06


def usable(box: Box | np.ndarray) -> bool:
    """Whether a box is large enough, and not too long."""
    w, h = box[2:]
    return min(w, h) >= LEAST and max(w, h) < LONGEST * min(w, h)


def cut_out(clip: Clip) -> CutOut | None:
    """Patch and mask of an object in a still picture; None where it has none, or hardly one."""
    view = clip.view(0, masked=True)
    if view.mask is None:
        return None
    x, y, w, h = (int(value) for value in view.box)
    rows = slice(max(y - 2, 0), min(y + h + 2, view.image.shape[0]))
    columns = slice(max(x - 2, 0), min(x + w + 2, view.image.shape[1]))
    patch, mask = view.image[rows, columns], view.mask[rows, columns]
    return None if mask.mean() < 0.15 else (patch, mask)


def over(
    patch: np.ndarray,
    mask: np.ndarray,
    ground: np.ndarray,
    size: float,
    stretch: tuple[float, float],
    angle: float,
    rng: Rng,
) -> View | None:
    """A cut-out in the middle of a piece of ``ground``; None if hardly anything is seen of it.

    Args:
        patch: uint8 [h, w, 3]. mask: bool [h, w]. ground: uint8 [H, W, 3].
        size: √(w·h) of the patch, pixels. stretch: further factors on w and h. angle: radians.
    """
    side = int(3.4 * size)
    zoom = max(side / ground.shape[0], side / ground.shape[1])
    whole = (math.ceil(ground.shape[1] * zoom), math.ceil(ground.shape[0] * zoom))
    picture = cv2.resize(ground, whole)
    y = int(rng.integers(picture.shape[0] - side + 1))
    x = int(rng.integers(picture.shape[1] - side + 1))
    picture = picture[y : y + side, x : x + side]
    height, width = mask.shape
    scale = size / math.sqrt(width * height)
    cos, sin = math.cos(angle) * scale, math.sin(angle) * scale
    turn = np.array([[cos, -sin], [sin, cos]]) * np.asarray(stretch)
    shift = side / 2 - turn @ (width / 2, height / 2)
    matrix = np.column_stack([turn, shift])
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    part = cv2.warpAffine(
        patch, matrix, (side, side), flags=method, borderMode=cv2.BORDER_REPLICATE
    )
    cover = cv2.warpAffine(mask.astype(np.float32), matrix, (side, side))
    box = mask_box(cover > 0.5)
    if box is None or (cover > 0.5).sum() < 40:
        return None
    cover = cv2.GaussianBlur(cover, (3, 3), 0)[..., None]
    return View((part * cover + picture * (1 - cover)).astype(np.uint8), box)


def loose(views: list[View], rng: Rng) -> list[View]:
    """Views of a target with boxes that lie around it in one way, but do not fit it.

    People and detectors do not draw boxes tight, and what they drew is what they want followed.
    """
    wide, high = np.exp(rng.normal(*MARGIN) + rng.normal(0, UNEVEN, 2))
    right, down = rng.normal(0, AWAY, 2)
    boxes = []
    for view in views:
        x, y, *sides = scaled(view.box, wide, high)
        boxes.append((x + right * view.box[2], y + down * view.box[3], *sides))
    return [replace(view, box=box) for view, box in zip(views, boxes, strict=True)]
