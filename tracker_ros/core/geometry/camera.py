"""How the camera moves: by how far the background has shifted from one image to the next.

Global motion compensation, for one target. Small grey images are enough, as a shift only places a
window: a template match of their middle is as good as optical flow there, and costs a fraction.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from .boxes import Box, Point, shifted

SIDE = 96  # longer side of a thumbnail, pixels
FINER = 2  # pixels of the image that are picked for one of a thumbnail, side by side
REACH = 0.22  # of a thumbnail's sides: the farthest shift that is found
LEAST = 2  # pixels of that, for there to be a peak
ALIKE = 0.6  # correlation of two thumbnails that show one scene
STILL = 1.0  # mean difference of their levels below which the camera stands still
NOWHERE: Point = 0.0, 0.0


class Background(NamedTuple):
    """What is kept of an image to tell how the next one is shifted.

    Attributes:
        thumbnail: uint8 [h, w], grey.
        size: width and height of the image, pixels.
        shift: x, y in image pixels, by which its background is shifted from the image before;
            (0, 0) where the camera stands still, or where that cannot be told.
    """

    thumbnail: np.ndarray
    size: tuple[int, int]
    shift: Point = NOWHERE

    @classmethod
    def of(cls, image: np.ndarray, before: Background) -> Background:
        """Of ``image``, uint8 [H, W, 3] BGR, which comes after the one that ``before`` is of."""
        height, width = image.shape[:2]
        scale = SIDE / max(width, height)
        w, h = max(round(scale * width), 1), max(round(scale * height), 1)
        # A few rows are enough; to read all of an image from memory takes several times as long.
        picked = cv2.resize(image, (FINER * w, h), interpolation=cv2.INTER_NEAREST)
        small = cv2.resize(picked, (w, h), interpolation=cv2.INTER_AREA)
        thumbnail = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
        if before.size != (width, height):
            return cls(thumbnail, (width, height))
        across, down = _shift(before.thumbnail, thumbnail)
        return cls(thumbnail, (width, height), (across * width / w, down * height / h))

    def same(self, other: Background) -> bool:
        """Whether both show the same, so that the next image is shifted alike."""
        return self is other or (
            self.size == other.size and np.array_equal(self.thumbnail, other.thumbnail)
        )

    def carry(self, box: Box) -> Box:
        """Where ``box`` of the image before is, if it goes along; it may leave the image."""
        return shifted(box, self.shift)

    def keep(self, box: Box) -> Box:
        """``box``, moved for its centre to be in the image if it was not."""
        (x, y, w, h), (width, height) = box, self.size
        cx, cy = x + w / 2, y + h / 2
        if self is UNSEEN or (0 <= cx <= width and 0 <= cy <= height):
            return box
        return min(max(cx, 0.0), width) - w / 2, min(max(cy, 0.0), height) - h / 2, w, h


class Backgrounds:
    """``Background.of`` for several targets: what they have seen alike is told once."""

    def __init__(self) -> None:
        self._told: list[tuple[np.ndarray, Background, Background]] = []

    def of(self, image: np.ndarray, before: Background) -> Background:
        """See ``Background.of``; the same image is the same array."""
        for shown, then, now in self._told:
            if shown is image and then.same(before):
                return now
        now = Background.of(image, before)
        self._told.append((image, before, now))
        return now


def _shift(before: np.ndarray, after: np.ndarray) -> Point:
    """By how much ``after`` is shifted, in its pixels; both uint8 [h, w]."""
    height, width = after.shape
    across, down = int(REACH * width), int(REACH * height)
    if min(across, down) < LEAST or cv2.norm(before, after, cv2.NORM_L1) < STILL * after.size:
        return NOWHERE
    middle = before[down:-down, across:-across]
    match = cv2.matchTemplate(after, middle, cv2.TM_CCOEFF_NORMED)
    _, peak, _, (x, y) = cv2.minMaxLoc(match)
    rows, columns = match.shape
    if not (peak >= ALIKE and 0 < x < columns - 1 and 0 < y < rows - 1):
        return NOWHERE
    row, column = match[y, x - 1 : x + 2], match[y - 1 : y + 2, x]
    return x - across + _vertex(row), y - down + _vertex(column)


def _vertex(around: np.ndarray) -> float:
    """Where the parabola through a peak and its neighbours, [3], is highest: in [-.5, .5]."""
    before, peak, after = map(float, around)
    bend = 2 * peak - before - after
    return (after - before) / (2 * bend) if bend > 0 else 0.0


UNSEEN = Background(np.zeros((0, 0), np.uint8), (0, 0))  # of no image: nothing is shifted
