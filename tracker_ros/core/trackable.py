"""Protocols of what follows one target: our ``Tracker``, OpenCV's trackers."""

from typing import Protocol

import numpy as np

from .gate import Gate
from .geometry.boxes import Box


class Found(Protocol):
    """What ``update`` answers.

    Attributes:
        box: (x, y, width, height) in pixels; None while the target is lost.
        score: in [0, 1].
        gate: the decision for the frame memorised last; None without one.
    """

    @property
    def box(self) -> Box | None: ...

    @property
    def score(self) -> float: ...

    @property
    def gate(self) -> Gate | None: ...


class Trackable(Protocol):
    """What can be initialised and updated: all that evaluation asks of a tracker."""

    @property
    def last_box(self) -> Box | None:
        """The estimate (x, y, width, height) in pixels, kept while the target is lost."""

    def init(self, image: np.ndarray, box: Box) -> None:
        """Start on ``box`` in ``image``, uint8 [H, W, 3] BGR, and forget what was before."""

    def update(self, image: np.ndarray) -> Found:
        """Find the target in the next image."""
