"""The measures of one-pass evaluation, on arrays; which frames count is in ``protocols``.

Boxes are float arrays of shape [N, 4]: top-left x, y, width, height in pixels, one row a frame.
"""

from collections.abc import Sequence

import numpy as np

from ..core.errors import InputError
from ..core.geometry.boxes import iou

SUCCESS_THRESHOLDS = np.linspace(0, 1, 21)
PRECISION_PIXELS = 20.0
NORMALISED_PRECISION = 0.2
FAILURE = 10  # so many frames in a row without any overlap make a failure


def center_error(pred: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Distance between the boxes' centres in pixels: shape [N]; NaN where a box holds a NaN."""
    return np.hypot(*_offset(pred, truth).T)


def normalised_error(pred: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Distance between the centres with x in widths and y in heights of the truth: shape [N].

    NaN where a box holds a NaN. TrackingNet (Müller et al., ECCV 2018), section 4.
    """
    truth = np.asarray(truth, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.hypot(*(_offset(pred, truth) / truth[:, 2:]).T)


def clip_boxes(boxes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Boxes cut to a picture of ``size`` (width, height), shape [N, 4], as GOT-10k's toolkit does
    it.

    The corner moves into the picture, and the sides are cut where they leave it: a box that sticks
    out to the left or top keeps its sides.
    """
    boxes, size = np.asarray(boxes, float), np.asarray(size, float)
    corner = np.clip(boxes[:, :2], 0, size)
    return np.column_stack((corner, np.clip(boxes[:, 2:], 0, size - corner)))


def success(overlaps: np.ndarray) -> np.ndarray:
    """Share of frames with IoU strictly above each of 21 thresholds 0, .05 … 1: shape [21]."""
    return (np.asarray(overlaps)[:, None] > SUCCESS_THRESHOLDS).mean(0)


def success_curve(pred: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """``success`` over the frames that have truth (no NaN); a NaN prediction there is a miss.

    Raises InputError for shapes that differ and where no frame has truth.
    """
    return success(iou(*_scored(pred, truth)))


def success_auc(pred: np.ndarray, truth: np.ndarray) -> float:
    """Mean of the success curve; a perfect tracker scores 20/21. Raises as ``success_curve``."""
    return float(success_curve(pred, truth).mean())


def precision(pred: np.ndarray, truth: np.ndarray) -> float:
    """Share of frames with a centre error of at most 20 pixels. Raises as ``success_curve``."""
    return float((center_error(*_scored(pred, truth)) <= PRECISION_PIXELS).mean())


def few_frames(scored: int, frames: int) -> str:
    """What to write behind a score that says little: nothing where half of the frames count."""
    return f" (of {scored} of {frames} frames)" if 2 * scored < frames else ""


def failures(missed: np.ndarray, least: int = FAILURE) -> np.ndarray:
    """Where a target was lost: runs of at least ``least`` frames that are ``missed``, bool [N].

    Returns int [R, 2]: the first frame of each run, and the one behind its last.
    """
    edges = np.flatnonzero(np.diff(np.concatenate(([False], missed, [False])).astype(int)))
    runs = edges.reshape(-1, 2)
    return runs[runs[:, 1] - runs[:, 0] >= least]


def longest_tracked(overlaps: np.ndarray, percent: int = 95) -> float:
    """TLP's longest subsequence measure: the longest run of frames of which at least ``percent``
    have IoU above .5, over all frames (Moudgil and Gandhi, ACCV 2018).
    """
    hits = np.asarray(overlaps) > 0.5
    # A run from i to j qualifies if balance[j] >= balance[i]. Integers: no rounding at the limit.
    balance = np.concatenate(([0], np.cumsum(np.where(hits, 100 - percent, -percent))))
    lowest = np.minimum.accumulate(balance)
    starts = np.searchsorted(-lowest, -balance)  # the first i that is as low as j
    return float((np.arange(len(balance)) - starts).max() / len(hits))


def _offset(pred: np.ndarray, truth: np.ndarray) -> np.ndarray:
    pred, truth = np.asarray(pred, float), np.asarray(truth, float)
    return pred[:, :2] + pred[:, 2:] / 2 - truth[:, :2] - truth[:, 2:] / 2


def _scored(pred: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rows of both that have truth."""
    pred, truth = np.asarray(pred, float), np.asarray(truth, float)
    if pred.shape != truth.shape or truth.ndim != 2 or truth.shape[1] != 4:
        raise InputError(
            f"predicted boxes have shape {pred.shape} and true boxes {truth.shape},"
            " but both must be (frames, 4)"
        )
    present = ~np.isnan(truth).any(1)
    if not present.any():
        raise InputError("no frame has a true box to score against")
    return pred[present], truth[present]


def percentiles(milliseconds: Sequence[float] | np.ndarray) -> dict[str, float]:
    """Median and 99th percentile: ``{"p50", "p99"}``."""
    p50, p99 = np.percentile(milliseconds, (50, 99))
    return {"p50": float(p50), "p99": float(p99)}
