"""From the network's maps to one box: cosine window, change penalty, size smoothing (SiamRPN)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .boxes import Box
from .config import TrackingConfig


@dataclass(frozen=True)
class Prediction:
    """What a network says about one query crop.

    Attributes:
        score: float32 [h, w] in [0, 1], classification times centre-ness of each cell.
        boxes: float32 [4, h, w], left, top, right, bottom in crop pixels.
        response: float32 [h, w], of a filter that is learned online, 1 where the target is as it
            was; None without one.
    """

    score: np.ndarray
    boxes: np.ndarray
    response: np.ndarray | None = None


@dataclass(frozen=True)
class Candidate:
    """The chosen box (x, y, width, height in crop pixels) and its score in [0, 1].

    ``ranked`` is what it was chosen by: the penalised score, blended with the cosine window.
    """

    box: Box
    score: float
    ranked: float


@lru_cache(maxsize=8)
def cosine_window(height: int, width: int) -> np.ndarray:
    """Outer product of two Hann windows: float32 [height, width], above 0 at the rim too."""
    rows, columns = (np.hanning(n + 2)[1:-1] for n in (height, width))
    return np.outer(rows, columns).astype(np.float32)


def _change(ratio: np.ndarray) -> np.ndarray:
    return np.maximum(ratio, 1.0 / ratio)


def decode(prediction: Prediction, size: tuple[float, float], config: TrackingConfig) -> Candidate:
    """Choose the best cell's box, given the target's last ``size`` (width, height in crop pixels).

    Cells are ranked by score × change penalty, blended with a cosine window; the new size is
    smoothed by ``size_rate`` × penalty × a mean of 1 and the score, in which the score has the
    share ``size_trust`` (SiamRPN, sec. 4; STMTrack, sec. 3.5).
    """
    left, top, right, bottom = prediction.boxes
    width, height = np.maximum(right - left, 1e-3), np.maximum(bottom - top, 1e-3)
    last_width, last_height = size

    def equivalent(w, h):
        pad = (w + h) / 2
        return np.sqrt((w + pad) * (h + pad))

    scale = _change(equivalent(width, height) / equivalent(last_width, last_height))
    ratio = _change((last_width / last_height) / (width / height))
    penalty = np.exp(-config.penalty * (scale * ratio - 1))
    blend = config.window_influence
    ranked = (
        prediction.score * penalty * (1 - blend) + cosine_window(*prediction.score.shape) * blend
    )
    row, column = np.unravel_index(int(np.argmax(ranked)), ranked.shape)

    score = float(prediction.score[row, column])
    rate = min(
        config.size_rate
        * (1 - config.size_trust + config.size_trust * score)
        * float(penalty[row, column]),
        1.0,
    )
    w = last_width + rate * (float(width[row, column]) - last_width)
    h = last_height + rate * (float(height[row, column]) - last_height)
    cx = float(left[row, column] + right[row, column]) / 2
    cy = float(top[row, column] + bottom[row, column]) / 2
    box, best = (cx - w / 2, cy - h / 2, w, h), float(ranked[row, column])
    return Candidate(box, min(max(score, 0.0), 1.0), best)
