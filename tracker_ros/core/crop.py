"""The one crop function: training and inference see the target through it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from .boxes import Box


@dataclass(frozen=True)
class Window:
    """A square of whole image pixels that becomes a square crop.

    Whole pixels make the mapping between image and crop exact and the crop a plain resize.

    Attributes:
        x, y: top-left corner, image pixels; may lie outside the image.
        side: image pixels. size: crop pixels.
    """

    x: int
    y: int
    side: int
    size: int

    @property
    def scale(self) -> float:
        """Crop pixels for one image pixel."""
        return self.size / self.side

    def to_crop(self, box: Box) -> Box:
        """Image box → crop box, both (x, y, width, height)."""
        x, y, w, h = box
        return (x - self.x) * self.scale, (y - self.y) * self.scale, w * self.scale, h * self.scale

    def to_image(self, box: Box) -> Box:
        """Crop box → image box, both (x, y, width, height)."""
        x, y, w, h = box
        return x / self.scale + self.x, y / self.scale + self.y, w / self.scale, h / self.scale


def window_around(box: Box, factor: float, size: int) -> Window:
    """The window of ``factor``·√(w·h) around the centre of ``box`` (STMTrack, sec. 3.5)."""
    x, y, w, h = box
    side = max(round(factor * math.sqrt(w * h)), 8)
    return Window(round(x + w / 2 - side / 2), round(y + h / 2 - side / 2), side, size)


def crop(image: np.ndarray, window: Window) -> np.ndarray:
    """Cut ``window`` out of ``image`` (uint8 [H, W, 3]): uint8 [size, size, 3].

    What lies outside the image takes the image's mean colour. Shrinking averages (no aliasing).
    """
    height, width = image.shape[:2]
    left, top = max(window.x, 0), max(window.y, 0)
    right, bottom = min(window.x + window.side, width), min(window.y + window.side, height)
    if left >= right or top >= bottom:  # wholly outside: nothing but padding
        patch, left, top, right, bottom = (
            image[:1, :1],
            window.x,
            window.y,
            window.x + 1,
            window.y + 1,
        )
        patch = np.broadcast_to(_mean(image), patch.shape).astype(np.uint8)
    else:
        patch = image[top:bottom, left:right]
    if patch.shape[:2] != (window.side, window.side):
        patch = cv2.copyMakeBorder(
            patch,
            top - window.y,
            window.y + window.side - bottom,
            left - window.x,
            window.x + window.side - right,
            cv2.BORDER_CONSTANT,
            value=_mean(image),
        )
    method = cv2.INTER_AREA if window.side > window.size else cv2.INTER_LINEAR
    return cv2.resize(patch, (window.size, window.size), interpolation=method)


def _mean(image: np.ndarray) -> tuple[int, ...]:
    # Every 8th pixel is enough for a mean and keeps the cost flat on large images.
    return tuple(round(value) for value in image[::8, ::8].reshape(-1, 3).mean(0))
