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
GAIN = 2.0  # by so much the light may change: what is seen is made as bright as the target was
RATE = 0.1  # of a new frame's colours in the recent ones
NEUTRAL = 0.5  # likeness at which they speak neither for nor against
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
            the target of late. level: mean level of the first, of its green channel.
        telling: in [0, 1], how far the first frame's surroundings differ from the target. Where
            they do not, colours say nothing of it.
    """

    first: np.ndarray
    recent: np.ndarray
    level: float
    telling: float

    @classmethod
    def start(cls, image: np.ndarray, box: Box) -> Colours:
        """Of the target at ``box`` (x, y, w, h, pixels) in ``image`` (uint8 [H, W, 3] BGR)."""
        part = _part(image, box)
        first = _histogram(part, INSIDE)
        around = _histogram(_part(image, scaled(box, AROUND, AROUND)), OUTSIDE)
        return cls(first, first, _level(part), 1 - _alike(first, around))

    def after(self, image: np.ndarray, box: Box) -> Colours:
        """With those of one more frame, in which the target is at ``box``."""
        new = self._seen(image, box)
        return replace(self, recent=(1 - RATE) * self.recent + RATE * new)

    def speak_for(self, image: np.ndarray, box: Box) -> float:
        """What they say for what is at ``box``; below 0 against it, 0 where they tell nothing."""
        seen = self._seen(image, box)
        alike = (_alike(seen, self.first) + _alike(seen, self.recent)) / 2
        return self.telling * min(alike - NEUTRAL, MOST)

    def _seen(self, image: np.ndarray, box: Box) -> np.ndarray:
        """The histogram of what is at ``box``, in the light of the first frame."""
        part = _part(image, box)
        gain = min(max(self.level / max(_level(part), 1.0), 1 / GAIN), GAIN)
        return _histogram(cv2.convertScaleAbs(part, alpha=gain), INSIDE)


def _alike(one: np.ndarray, other: np.ndarray) -> float:
    """Bhattacharyya coefficient of two histograms."""
    return float(np.sqrt(one * other).sum())


def _level(part: np.ndarray) -> float:
    return cv2.mean(part, INSIDE)[1]


def _part(image: np.ndarray, box: Box) -> np.ndarray:
    """The part of ``box`` that lies in the image, uint8 [32, 32, 3]."""
    x, y, w, h = box
    height, width = image.shape[:2]
    # Two pixels a side at least: OpenCV 4.5 takes no picture of one.
    left, top = min(max(round(x), 0), width - 2), min(max(round(y), 0), height - 2)
    right, bottom = max(min(round(x + w), width), left + 2), max(min(round(y + h), height), top + 2)
    part = image[top:bottom, left:right]
    return cv2.resize(part, (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def _histogram(part: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """float32 [32, 32, 6]."""
    lab = cv2.cvtColor(part, cv2.COLOR_BGR2LAB)
    counts = cv2.calcHist([lab], [1, 2, 0], mask, list(BINS), [0, 256] * 3)
    return counts / counts.sum()
