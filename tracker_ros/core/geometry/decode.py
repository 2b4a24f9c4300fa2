"""From the network's maps to one box: cosine window, change penalty, size smoothing (SiamRPN)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..config import TrackingConfig
from ..errors import InputError
from .boxes import Box
from .peaks import peak
from .refined import Refined

MOST_CHANGE = 0.05  # logarithm of the scale, from one frame to the next


@dataclass(frozen=True)
class Prediction:
    """What a network says about one query crop.

    Attributes:
        score: float32 [h, w] in [0, 1], classification times centre-ness of each cell; of what is
            learned online, how likely the target is there.
        boxes: float32 [4, h, w], left, top, right, bottom in crop pixels; None of what is
            learned online.
        response: float32 [h, w], of what is learned online, near 1 where the target is as it was;
            None without.
        other: float32 [h, w], its response in another crop that was asked for; None otherwise.
        change: logarithm of the target's scale, of that which the crop was made for.
        opinion: the network's own score at the response's peak; None where it was not asked.
        refined: what is at that peak; None without a refiner of boxes.
    """

    score: np.ndarray
    boxes: np.ndarray | None
    response: np.ndarray | None = None
    other: np.ndarray | None = None
    change: float = 0.0
    opinion: float | None = None
    refined: Refined | None = None

    def checked(self) -> Prediction:
        """This. Raises InputError if a value is not finite."""
        # A sum is finite only if all its values are, and takes fewer calls than to look at each.
        values = self.score.sum() + (self.opinion or 0.0)
        if self.boxes is not None:
            values += self.boxes.sum()
        if self.refined is not None:
            values += sum(self.refined.box) + self.refined.present + sum(self.refined.own)
        if not math.isfinite(values):
            raise InputError("the network answered with values that are not finite")
        return self

    @property
    def strength(self) -> float:
        """The response's highest value; 0 without one."""
        return 0.0 if self.response is None else float(self.response.max())


@dataclass(frozen=True)
class Candidate:
    """The chosen box (x, y, width, height in crop pixels) and its score in [0, 1].

    ``ranked`` is what it was chosen by: the penalised score, blended with the cosine window.
    ``drift``: how far the centre was moved from the response's peak, in units of √(w·h).
    """

    box: Box
    score: float
    ranked: float
    drift: tuple[float, float] = (0.0, 0.0)


@lru_cache(maxsize=8)
def cosine_window(height: int, width: int) -> np.ndarray:
    """Outer product of two Hann windows: float32 [height, width], above 0 at the rim too."""
    rows, columns = (np.hanning(n + 2)[1:-1] for n in (height, width))
    return np.outer(rows, columns).astype(np.float32)


def _change(ratio: np.ndarray) -> np.ndarray:
    return np.maximum(ratio, 1.0 / ratio)


def decode(
    prediction: Prediction,
    size: tuple[float, float],
    config: TrackingConfig,
    drift: tuple[float, float] = (0.0, 0.0),
    seen: float = 1.0,
) -> Candidate:
    """Choose the best cell's box, given the target's last ``size`` (width, height in crop pixels).

    Cells are ranked by score × change penalty, blended with a cosine window; the new size is
    smoothed by ``size_rate`` × penalty × a mean of 1 and the score, in which the score has the
    share ``size_trust`` (SiamRPN, sec. 4; STMTrack, sec. 3.5). What is learned online has the
    say where there is some: see ``_decode_online``. ``drift``: that of the last candidate.
    ``seen``: how much of the target is, in [0, 1].
    """
    if prediction.response is not None:
        return _decode_online(prediction, prediction.response, size, config, drift, seen)
    assert prediction.boxes is not None  # of a network that stands alone
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
    box, best = (cx - w / 2, cy - h / 2, w, h), float(ranked[row, column])
    return Candidate(box, min(max(score, 0.0), 1.0), best)


def _decode_online(
    prediction: Prediction,
    response: np.ndarray,
    size: tuple[float, float],
    config: TrackingConfig,
    drift: tuple[float, float],
    seen: float,
) -> Candidate:
    """The response's peak, and the last ``size`` with the scale that was measured there.

    A refined box corrects both in part. What is learned online drifts slowly: until the next such
    box the centre is off by as much.
    """
    blend = config.window_influence
    ranked = np.maximum(response, 0) * (1 - blend) + cosine_window(*response.shape) * blend
    row, column = divmod(int(ranked.argmax()), ranked.shape[1])
    px, py = peak(response, row, column)
    cx, cy = (px + 0.5) * config.stride, (py + 0.5) * config.stride
    side, scale, shape = math.sqrt(size[0] * size[1]), config.scale_rate * prediction.change, 0.0
    if prediction.refined is not None:
        # The network's own box is of what is seen: of half a target behind a beam. Where little is
        # seen, a comparison that is sure tells that from a target that has changed.
        hidden = (1 - seen) * prediction.refined.present
        x, y, *sides = prediction.refined.between((1 - hidden) * config.refine_network)
        wide, high = (math.log(new / old) for new, old in zip(sides, size, strict=True))
        scale += config.refine_scale * (wide + high) / 2
        shape = _bounded(config.refine_shape * (wide - high) / 2)
        away = x + sides[0] / 2 - cx, y + sides[1] / 2 - cy
        drift = config.refine_place * away[0] / side, config.refine_place * away[1] / side
    scale = _bounded(scale)
    w, h = size[0] * math.exp(scale + shape), size[1] * math.exp(scale - shape)
    cx, cy = cx + drift[0] * side, cy + drift[1] * side
    score = min(max(float(prediction.score[row, column]), 0.0), 1.0)
    best = float(ranked[row, column])
    return Candidate((cx - w / 2, cy - h / 2, w, h), score, best, drift)


def _bounded(change: float) -> float:
    return min(max(change, -MOST_CHANGE), MOST_CHANGE)
