"""The box of a thorough look: what two networks say of it.

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
        box: x, y, w, h, crop pixels, by comparison with the first frame.
        present: how likely the target is there.
        own: the network's own box, as ``box``.
    """

    box: Box
    present: float
    own: Box

    @property
    def odds(self) -> float:
        """Logarithm of the odds that the target is there; one in a hundred says enough."""
        present = min(max(self.present, 0.01), 0.99)
        return math.log(present / (1 - present))

    def between(self, share: float) -> Box:
        """A box between both, ``share`` of it the network's own: mean centre, and logarithms."""
        (x, y, w, h), (left, top, wide, high) = self.box, self.own
        across, down = left + wide / 2 - x - w / 2, top + high / 2 - y - h / 2
        cx, cy = x + w / 2 + share * across, y + h / 2 + share * down
        w, h = w ** (1 - share) * wide**share, h ** (1 - share) * high**share
        return cx - w / 2, cy - h / 2, w, h


def own_box(score: np.ndarray, boxes: np.ndarray, place: Point) -> Box:
    """The network's own box at a place: the mean of its cells', by nearness and score.

    Args:
        score: float32 [n, n] from 0. boxes: float32 [4, n, n], left, top, right, bottom in crop
            pixels. place: column and row, parts of cells.
    Returns:
        x, y, w, h, crop pixels; sides of a pixel at least.
    """
    weights = bell(score.shape, place) * np.maximum(score, TINY)
    left, top, right, bottom = ((boxes * weights).sum((1, 2)) / weights.sum()).tolist()
    return left, top, max(right - left, 1.0), max(bottom - top, 1.0)


def habit(own: Box, given: Box) -> tuple[float, float]:
    """Factors of width and height for the network's own boxes, by that of the first view.

    The user may draw boxes tighter than its teachers did. Both: x, y, w, h.
    """
    wide, high = ((theirs / side) ** HABIT for side, theirs in zip(own[2:], given[2:], strict=True))
    return wide, high
