"""The one crop function: training and inference see the target through it."""

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

    def holds(self, place: tuple[float, float]) -> bool:
        """Whether a place, x and y in image pixels, is inside."""
        x, y = place
        return 0 <= x - self.x <= self.side and 0 <= y - self.y <= self.side

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
    block = _largest_block(side, size)
    side = round(side / block) * block
    return Window(round(x + w / 2 - side / 2), round(y + h / 2 - side / 2), side, size)


def crop(image: np.ndarray, window: Window) -> np.ndarray:
    """Cut ``window`` out of ``image`` (uint8 [H, W, 3]): uint8 [size, size, 3].

    What lies outside the image takes the image's mean colour. Shrinking averages 2x2 pixels until
    less than a factor of 2 is left, which is interpolated: OpenCV halves many times as fast as it
    averages areas by a fraction.
    """
    # Shrunk in whole blocks of pixels before it is padded: padding at full size would cost seconds
    # and gigabytes for a target that fills a large image.
    block = _largest_block(window.side, window.size)
    while window.side % block:
        block //= 2
    blocks = window.side // block
    height, width = image.shape[:2]
    left, right = _visible(window.x, width, block, blocks)
    top, bottom = _visible(window.y, height, block, blocks)
    if left == right or top == bottom:
        return np.full((window.size, window.size, 3), _mean(image), np.uint8)
    x, y = window.x + left * block, window.y + top * block
    patch = _cut(image, x, y, (right - left) * block, (bottom - top) * block)
    while patch.shape[0] > bottom - top:
        halves = patch.shape[1] // 2, patch.shape[0] // 2
        patch = cv2.resize(patch, halves, interpolation=cv2.INTER_AREA)
    if patch.shape[:2] != (blocks, blocks):
        margins = top, blocks - bottom, left, blocks - right
        patch = cv2.copyMakeBorder(patch, *margins, cv2.BORDER_CONSTANT, value=_mean(image))
    # A side that is no multiple of its blocks, which ``window_around`` does not make, may be
    # longer.
    method = cv2.INTER_AREA if blocks >= 2 * window.size else cv2.INTER_LINEAR
    return cv2.resize(patch, (window.size, window.size), interpolation=method)


def _largest_block(side: int, size: int) -> int:
    """Side of the blocks that are averaged first, a power of 2: 1 to 2 for each crop pixel."""
    return 1 << max((side // size).bit_length() - 1, 0)


def _visible(start: int, length: int, block: int, blocks: int) -> tuple[int, int]:
    """First and end of the blocks, counted from ``start``, that show some of [0, length)."""
    end = -((start - length) // block)  # rounded up
    return min(max(-start // block, 0), blocks), min(max(end, 0), blocks)


def _cut(image: np.ndarray, x: int, y: int, width: int, height: int) -> np.ndarray:
    """A rectangle of ``image``; less than a block of it may lie outside and is padded."""
    left, top = max(x, 0), max(y, 0)
    right, bottom = min(x + width, image.shape[1]), min(y + height, image.shape[0])
    patch = image[top:bottom, left:right]
    if patch.shape[:2] == (height, width):
        return patch
    margins = top - y, y + height - bottom, left - x, x + width - right
    return cv2.copyMakeBorder(patch, *margins, cv2.BORDER_CONSTANT, value=_mean(image))


def _mean(image: np.ndarray) -> tuple[int, ...]:
    # Some thousand pixels are enough for a mean, whatever the size of the image.
    step = max(8, max(image.shape) // 80)
    return tuple(map(round, cv2.mean(np.ascontiguousarray(image[::step, ::step]))[:3]))
