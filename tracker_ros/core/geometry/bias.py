"""Bias of a network's boxes for this target, learned from the frame in which its box is known.

A network that has seen few videos takes a part for the whole, or the whole for a part, and an error
that repeats lets the box grow from frame to frame. In the first frame the truth is known.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from .boxes import Box
from .decode import Prediction


class Bias(NamedTuple):
    """Logarithms of true over predicted width and height; shift of the centre in true sides."""

    width: float
    height: float
    x: float
    y: float

    def off(self, prediction: Prediction) -> Prediction:
        """``prediction`` with its boxes put right."""
        if self == NO_BIAS or prediction.boxes is None:
            return prediction
        first, last = prediction.boxes[:2], prediction.boxes[2:]
        growth = np.array([np.exp(self.width), np.exp(self.height)], np.float32)
        shift = np.array([self.x, self.y], np.float32)
        sides = (last - first) * growth[:, None, None]
        centres = (first + last) / 2 + shift[:, None, None] * sides
        sides /= 2
        return replace(prediction, boxes=np.concatenate([centres - sides, centres + sides]))


NO_BIAS = Bias(0.0, 0.0, 0.0, 0.0)


def bias_of(prediction: Prediction, truth: Box) -> Bias:
    """How the best cell's box differs from ``truth`` (x, y, width, height, crop pixels)."""
    assert prediction.boxes is not None  # the network was asked
    row, column = np.unravel_index(int(prediction.score.argmax()), prediction.score.shape)
    left, top, right, bottom = (float(side) for side in prediction.boxes[:, row, column])
    x, y, w, h = truth
    return Bias(
        float(np.log(w / max(right - left, 1e-3))),
        float(np.log(h / max(bottom - top, 1e-3))),
        (x + w / 2 - (left + right) / 2) / w,
        (y + h / 2 - (top + bottom) / 2) / h,
    )
