"""A target's colours: do those of something else agree with them?

What is learned online and the network compare forms, and things of one form may differ in colour
alone. Histograms of colour tell these (Bradski, "Computer vision face tracking for use in a
perceptual user interface", 1998; Comaniciu, Ramesh and Meer, "Kernel-based object tracking",
TPAMI 2003, of which the comparison by the Bhattacharyya coefficient is).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..geometry.boxes import Box, scaled

SIDE = 32  # pixels of a side of what is looked at
BINS = (32, 32, 6)  # of a*, b* and the lightness L*
RATE = 0.1  # of a new frame's colours in the recent ones
EVEN = 0.5  # likeness at which they speak neither for nor against
MOST = 0.3  # of what is more alike than that: its like may have the same colours
AROUND = 2.0  # times the box's sides: how far its surroundings go

_down, _across = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
INSIDE = (_down**2 + _across**2 <= 0.9).astype(np.uint8)  # the ellipse that fills a box
OUTSIDE = (np.maximum(abs(_down), abs(_across)) > 1.1 / AROUND).astype(np.uint8)


@dataclass(frozen=True, eq=False)
class Colours:
    """Immutable: following the target's colours returns new ones.

    Attributes:
        first, recent: float32 [32, 32, 6], histograms of sum 1 of the first frame's target, and of
            the target of late. telling: in [0, 1], how far the first frame's surroundings differ
            from the target. Where they do not, as in grey images, colours say nothing of it.
    """

    first: np.ndarray
    recent: np.ndarray
    telling: float

    @classmethod
    def start(cls, image: np.ndarray, box: Box) -> Colours:
        """Of the target at ``box`` (x, y, w, h, pixels) in ``image`` (uint8 [H, W, 3] BGR)."""
        first = _histogram(image, box, INSIDE)
        around = _histogram(image, scaled(box, AROUND, AROUND), OUTSIDE)
        return cls(first, first, 1 - _alike(first, around))

    def after(self, image: np.ndarray, box: Box) -> Colours:
        """With those of one more frame, in which the target is at ``box``."""
        new = _histogram(image, box, INSIDE)
        return replace(self, recent=(1 - RATE) * self.recent + RATE * new)

    def speak_for(self, image: np.ndarray, box: Box) -> float:
        """What they say for what is at ``box``; below 0 against it, 0 where they tell nothing."""
        seen = _histogram(image, box, INSIDE)
        alike = (_alike(seen, self.first) + _alike(seen, self.recent)) / 2
        return self.telling * min(alike - EVEN, MOST)


def _alike(one: np.ndarray, other: np.ndarray) -> float:
    """Bhattacharyya coefficient of two histograms."""
    return float(np.sqrt(one * other).sum())


def _histogram(image: np.ndarray, box: Box, mask: np.ndarray) -> np.ndarray:
    """Of the part of ``box`` that lies in the image, [32, 32, 6]."""
    x, y, w, h = box
    height, width = image.shape[:2]
    # Two pixels a side at least: OpenCV 4.5 takes no picture of one.
    left, top = min(max(round(x), 0), width - 2), min(max(round(y), 0), height - 2)
    right, bottom = max(min(round(x + w), width), left + 2), max(min(round(y + h), height), top + 2)
    part = cv2.resize(image[top:bottom, left:right], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(part, cv2.COLOR_BGR2LAB)
    counts = cv2.calcHist([lab], [1, 2, 0], mask, list(BINS), [0, 256] * 3)
    return counts / counts.sum()
