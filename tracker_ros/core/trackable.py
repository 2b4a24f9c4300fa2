"""What follows one target, our ``Tracker`` and OpenCV's trackers, and what it answers."""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from .gate import Gate
from .geometry.boxes import Box
from .state import TargetState


@dataclass(frozen=True)
class Result:
    """One frame's answer.

    Attributes:
        box: (x, y, width, height) in image pixels; None while the target is lost.
        score: in [0, 1]. state: see ``TargetState``. lost_frames: frames since it was lost.
        gate: decision for the frame memorised last, or None.
        timings: milliseconds of ``crop``, ``locate`` and ``decode``.
    """

    box: Box | None
    score: float
    state: TargetState
    lost_frames: int = 0
    gate: Gate | None = None
    timings: dict[str, float] = field(default_factory=dict)


class Trackable(Protocol):
    """What can be initialised and updated: all that evaluation asks of a tracker."""

    @property
    def last_box(self) -> Box | None:
        """The estimate (x, y, width, height) in pixels, kept while the target is lost."""

    def init(self, image: np.ndarray, box: Box) -> None:
        """Start on ``box`` in ``image``, uint8 [H, W, 3] BGR, and forget what was before."""

    def update(self, image: np.ndarray) -> Result:
        """Find the target in the next image."""
