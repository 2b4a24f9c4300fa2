"""The protocol of what follows one target: our ``Tracker``, OpenCV's trackers."""

from typing import Protocol

import numpy as np

from .geometry.boxes import Box
from .tracker import Result


class Trackable(Protocol):
    """What can be initialised and updated: all that evaluation asks of a tracker."""

    @property
    def last_box(self) -> Box | None:
        """The estimate (x, y, width, height) in pixels, kept while the target is lost."""

    def init(self, image: np.ndarray, box: Box) -> None:
        """Start on ``box`` in ``image``, uint8 [H, W, 3] BGR, and forget what was before."""

    def update(self, image: np.ndarray) -> Result:
        """Find the target in the next image."""
