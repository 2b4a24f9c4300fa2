"""The box of a thorough look: what two networks say of it, in one.

One compares with the first frame and cannot go far from that; the other tells what it sees now,
as it was taught to draw boxes. Each errs by itself, so that a mean errs less.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from .boxes import Box, Point
from .peaks import bell

HABIT = 0.5  # of how the own box of the first view differs from the given one; the rest is chance
TINY = 1e-9


class Refined(NamedTuple):
    """What a thorough look says of a place.

    Attributes:
        box: x, y, w, h, crop pixels. present: how likely the target is there.
    """

    box: Box
    present: float

    @property
    def odds(self) -> float:
        """Logarithm of the odds that the target is there; one in a hundred says enough."""
        present = min(max(self.present, 0.01), 0.99)
        return math.log(present / (1 - present))


def own_box(score: np.ndarray, boxes: np.ndarray, place: Point) -> np.ndarray:
    """The network's own box at a place: the mean of its cells', by nearness and score.

    Args:
        score: float32 [n, n] from 0. boxes: float32 [4, n, n], left, top, right, bottom in crop
            pixels. place: column and row, parts of cells.
    Returns:
        float64 [4]: x and y of the centre, crop pixels; logarithms of width and height.
    """
    weights = bell(score.shape, place) * np.maximum(score, TINY)
    left, top, right, bottom = (boxes * weights).sum((1, 2)) / weights.sum()
    sides = (math.log(max(side, 1.0)) for side in (right - left, bottom - top))
    return np.array([(left + right) / 2, (top + bottom) / 2, *sides])


def habit(own: np.ndarray, given: Box) -> np.ndarray:
    """What to take off the network's own boxes: the user may draw them tighter than its teachers.

    ``own``: of the first view, as ``own_box`` tells it. ``given``: x, y, w, h in its pixels.
    """
    return HABIT * np.array([0.0, 0.0, *(own[2:] - np.log(given[2:]))])


def both(compared: np.ndarray, own: np.ndarray, share: float) -> Box:
    """A box x, y, w, h between two that are told as by ``own_box``; ``share``: of the second."""
    x, y, *sides = ((1 - share) * compared + share * own).tolist()
    w, h = map(math.exp, sides)
    return x - w / 2, y - h / 2, w, h
