"""From a frame's message to its pixels, no frame twice."""

from typing import NamedTuple

import numpy as np

from ..conversions.images import to_bgr
from ..core.io.levels import Levels
from .frame_slot import ReceivedImage


class _Decoded(NamedTuple):
    """A frame's pixels, what reduced them to 8 bits, and whether that was chosen on them."""

    frame: ReceivedImage
    image: np.ndarray
    levels: Levels
    own: bool

    def serves(self, levels: Levels | None) -> bool:
        """Whether pixels by these levels, None for the frame's own, would be the same."""
        return self.own if levels is None else self.levels is levels


class Decoder:
    """Decodes frames and keeps the last one, which a start and the frame's answer share."""

    def __init__(self):
        self._last: _Decoded | None = None

    def decode(self, frame: ReceivedImage, levels: Levels | None) -> tuple[np.ndarray, Levels]:
        """A frame's pixels, uint8 HxWx3 BGR, and the levels that they are by.

        levels: those to use; None: the frame's own. Raises InputError.
        """
        known = self._last
        if known is None or known.frame is not frame or not known.serves(levels):
            levels = levels or Levels()
            own = levels.range is None
            self._last = known = _Decoded(frame, to_bgr(frame.message, levels), levels, own)
        return known.image, known.levels
