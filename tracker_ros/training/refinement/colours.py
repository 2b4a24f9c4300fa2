"""Other colours for a target: things of one form may differ in nothing else."""

from typing import NamedTuple

import cv2
import numpy as np

from ...core.geometry.boxes import Box
from ..samples.augment import turned
from ..samples.geometry import Rng

TURNED = 0.6  # share of paints that turn the hue; the others give one colour to everything
LEAST_TURN = 20  # of OpenCV's 180 steps: less is a change of light
ALL = 0.4  # share of paints on all of a crop
SEEN = 18.0  # mean change of levels inside the box from which on it looks like another thing
TRIES = 4
SOFT = 0.06  # of the box's sides, of the rim of what is painted


class Paint(NamedTuple):
    """How things are coloured.

    Attributes:
        turn: of the hue, in OpenCV's 180 steps; None: everything gets ``colour``.
        colour: float32 [3], BGR, of what was as bright as the mean of its levels.
        everything: all of a crop, not what is in the box alone.
    """

    turn: int | None
    colour: np.ndarray
    everything: bool

    @classmethod
    def draw(cls, rng: Rng, everything: float = ALL) -> "Paint":
        """Some paint; ``everything``: how often all of a crop gets it."""
        turn = int(rng.integers(LEAST_TURN, 180 - LEAST_TURN)) if rng.random() < TURNED else None
        colour = rng.uniform(0.1, 1.0, 3).astype(np.float32)
        return cls(turn, colour * rng.uniform(0.6, 1.4) / colour.mean(), rng.random() < everything)

    def on(self, crop: np.ndarray, box: Box) -> np.ndarray:
        """A crop, uint8 [S, S, 3] BGR, painted; ``box``: x, y, w, h in its pixels."""
        if self.turn is None:
            grey = crop.mean(2, dtype=np.float32)[..., None]
            other = np.minimum(grey * self.colour, 255)
        else:
            other = turned(crop, self.turn).astype(np.float32)
        if self.everything:
            return other.astype(np.uint8)
        x, y, w, h = box
        rows, columns = np.arange(len(crop)) + 0.5, np.arange(crop.shape[1]) + 0.5
        inside = [
            1 / (1 + np.exp((np.abs(along - start - side / 2) - side / 2) / (SOFT * side)))
            for along, start, side in ((rows, y, h), (columns, x, w))
        ]
        share = (inside[0][:, None] * inside[1]).astype(np.float32)[..., None]
        return (crop + share * (other - crop)).astype(np.uint8)


def another(crop: np.ndarray, box: Box, rng: Rng) -> np.ndarray | None:
    """The crop with its target in another colour; None where that can hardly be seen."""
    x, y, w, h = (max(int(value), 0) for value in box)
    part = slice(y, y + h + 1), slice(x, x + w + 1)
    for _ in range(TRIES):
        painted = Paint.draw(rng).on(crop, box)
        if crop[part].size and cv2.absdiff(painted[part], crop[part]).mean() >= SEEN:
            return painted
    return None
