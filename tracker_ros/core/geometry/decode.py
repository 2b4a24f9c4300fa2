"""From the network's maps to one box: cosine window, change penalty, size smoothing (SiamRPN)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..config import TrackingConfig
from .boxes import Box

REACH = 3  # cells: how far a filter's peak may be from the cell that was chosen
LEAST_RESPONSE = 0.1  # of a filter where it sees nothing: the network may know better


@dataclass(frozen=True)
class Prediction:
    """What a network says about one query crop.

    Attributes:
        score: float32 [h, w] in [0, 1], classification times centre-ness of each cell.
        boxes: float32 [4, h, w], left, top, right, bottom in crop pixels.
        response: float32 [h, w], of a filter that is learned online, 1 where the target is as it
            was; None without one.
        other: float32 [h, w], its response in another crop that was asked for; None otherwise.
    """

    score: np.ndarray
    boxes: np.ndarray
    response: np.ndarray | None = None
    other: np.ndarray | None = None


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


def peak(response: np.ndarray, row: int, column: int) -> tuple[float, float]:
    """The highest place of ``response`` [h, w] near a cell: column and row, parts of cells.

    Within ``REACH`` cells; a parabola through the neighbours tells the part.
    """
    top, left = max(row - REACH, 0), max(column - REACH, 0)
    near = response[top : row + REACH + 1, left : column + REACH + 1]
    row, column = divmod(int(near.argmax()), near.shape[1])
    row, column = row + top, column + left
    down, across = response[:, column], response[row]
    return column + _vertex(across, column), row + _vertex(down, row)


def _vertex(values: np.ndarray, middle: int) -> float:
    """Where a parabola through three values has its top, from the middle one, -0.5 to 0.5."""
    if not 0 < middle < len(values) - 1:
        return 0.0
    before, here, after = (float(value) for value in values[middle - 1 : middle + 2])
    bend = before - 2 * here + after
    return min(max((before - after) / (2 * bend), -0.5), 0.5) if bend < -1e-9 else 0.0


def decode(prediction: Prediction, size: tuple[float, float], config: TrackingConfig) -> Candidate:
    """Choose the best cell's box, given the target's last ``size`` (width, height in crop pixels).

    Cells are ranked by score × change penalty, blended with a cosine window; the new size is
    smoothed by ``size_rate`` × penalty × a mean of 1 and the score, in which the score has the
    share ``size_trust`` (SiamRPN, sec. 4; STMTrack, sec. 3.5). A filter's response, to the power
    of ``response_weight``, is a factor of the ranking, and its peak draws the box's centre.
    """
    # Operations on small arrays cost what their calls cost: as few as there can be.
    width, height = np.maximum(prediction.boxes[2:] - prediction.boxes[:2], 1e-3)
    last_width, last_height = size
    pad, last_pad = (width + height) / 2, (last_width + last_height) / 2
    area = (width + pad) * (height + pad)
    last_area = (last_width + last_pad) * (last_height + last_pad)
    change = np.sqrt(_change(area / last_area)) * _change(
        width / height * (last_height / last_width)
    )
    penalty = np.exp(config.penalty - config.penalty * change)
    blend = config.window_influence
    likely = prediction.score * penalty
    if prediction.response is not None and config.response_weight:
        response = np.maximum(prediction.response, 0) + LEAST_RESPONSE
        likely = likely * response**config.response_weight
    ranked = likely * (1 - blend) + cosine_window(*likely.shape) * blend
    row, column = divmod(int(ranked.argmax()), ranked.shape[1])

    score = float(prediction.score[row, column])
    rate = min(
        config.size_rate
        * (1 - config.size_trust + config.size_trust * score)
        * float(penalty[row, column]),
        1.0,
    )
    w = last_width + rate * (float(width[row, column]) - last_width)
    h = last_height + rate * (float(height[row, column]) - last_height)
    left, top, right, bottom = prediction.boxes[:, row, column].tolist()
    cx, cy = (left + right) / 2, (top + bottom) / 2
    if prediction.response is not None and config.response_centre:
        share, (px, py) = config.response_centre, peak(prediction.response, row, column)
        cx += share * ((px + 0.5) * config.stride - cx)
        cy += share * ((py + 0.5) * config.stride - cy)
    box, best = (cx - w / 2, cy - h / 2, w, h), float(ranked[row, column])
    return Candidate(box, min(max(score, 0.0), 1.0), best)
