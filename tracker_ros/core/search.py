"""Crops around a box: the query that an engine is asked with, and the sample that it memorises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .config import TrackingConfig
from .engine import Look
from .errors import InputError
from .geometry.boxes import Box, check_box, check_image, scaled
from .geometry.camera import UNSEEN, Background
from .geometry.crop import Window, crop, window_around
from .geometry.decode import Prediction

SCALE_PENALTY = 0.995  # of another scale's response: without evidence the scale stays
SCALE_SHARE = 0.6  # of the step to another scale that answers better
AROUND = 2.5, 112  # of a box: what shows whether there is anything, in its sides and in pixels
NEAR = 2  # cells from a query's middle: so far it serves as a memory crop, too


class MemorySample(NamedTuple):
    """A memory crop, the box in it (x, y, width, height) and the score it was found with.

    ``crop``: None for the query that was located last. ``score``: blended as ``memory_blend`` says.
    """

    crop: np.ndarray | None
    box: Box
    score: float


class Search(NamedTuple):
    """Where a target is looked for: ``window`` of ``image`` became ``crop``.

    ``other``, ``look``: the window of another scale and its crop; None where none is due.
    ``background``: the image's. ``milliseconds``: that all of it took.
    """

    image: np.ndarray
    window: Window
    crop: np.ndarray
    other: Window | None
    look: Look | None
    background: Background = UNSEEN
    milliseconds: float = 0.0

    @classmethod
    def around(
        cls, image: np.ndarray, box: Box, config: TrackingConfig, factor: float | None = None
    ) -> Search:
        """Look for a target around ``box``; with a ``factor``, also at so many times its size."""
        window, other, look = search_window(box, config), None, None
        query = crop(image, window)
        if factor is not None:
            other = search_window(scaled(box, factor, factor), config)
            look = Look(crop(image, other), window.side / other.side)
        return cls(image, window, query, other, look)

    def rescaled(self, found: Box, prediction: Prediction) -> Box:
        """``found``, made larger or smaller if the response is higher in the other window."""
        here, there = prediction.response, prediction.other
        assert self.other and here is not None and there is not None  # it was looked at, too
        if there.max() * SCALE_PENALTY <= here.max():
            return found
        factor = (self.other.side / self.window.side) ** SCALE_SHARE
        return scaled(found, factor, factor)

    def sample(
        self, found: Box, score: float, config: TrackingConfig, reuses: bool
    ) -> MemorySample:
        """What to memorise of a target that was ``found``. ``reuses``: see ``Engine``."""
        x, y, w, h = box = self.window.to_crop(found)
        middle = self.window.size / 2
        away = max(abs(x + w / 2 - middle), abs(y + h / 2 - middle))
        if reuses and away <= NEAR * config.stride:
            return MemorySample(None, box, score)
        window = memory_window(found, config)
        return MemorySample(crop(self.image, window), window.to_crop(found), score)


def search_window(box: Box, config: TrackingConfig) -> Window:
    """The window of a query crop around ``box``."""
    return window_around(box, config.search_factor, config.query_size)


def check_shown(image: np.ndarray, box: Sequence[float]) -> None:
    """Raise InputError where a box and what is around it show nothing, or for no box.

    For whoever starts a target by itself: a camera's first pictures may be black, and any box fits
    what has one colour. Benchmarks start where their truth says.
    """
    target = check_box(box, check_image(image))
    if not np.ptp(crop(image, window_around(target, *AROUND)), axis=(0, 1)).any():
        raise InputError(
            f"box ({', '.join(f'{value:g}' for value in target)}) and what is around it have one"
            " colour: there is nothing to recognise"
        )


def memory_window(box: Box, config: TrackingConfig) -> Window:
    """The window of a memory crop around ``box``."""
    return window_around(box, config.memory_factor, config.memory_size)
