"""The OTB protocol's measures: overlap, success and precision.

Boxes are float arrays of shape (N, 4): top-left x, y, width, height in pixels, one row a frame.
A frame whose truth holds a NaN (target absent) leaves the score: it counts neither for nor
against the tracker. A NaN prediction on a frame with truth is a miss.
"""

import numpy as np

from tracker_ros.core.errors import InputError

SUCCESS_THRESHOLDS = np.linspace(0, 1, 21)
PRECISION_PIXELS = 20.0


def iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union of each row of `a` with the same row of `b`: shape (N,).

    0 where either box has no area or holds a NaN.
    """
    a, b = np.asarray(a, float), np.asarray(b, float)
    low = np.maximum(a[:, :2], b[:, :2])
    high = np.minimum(a[:, :2] + a[:, 2:], b[:, :2] + b[:, 2:])
    sides = np.maximum(high - low, 0)
    intersection = sides[:, 0] * sides[:, 1]
    union = a[:, 2] * a[:, 3] + b[:, 2] * b[:, 3] - intersection
    valid = (a[:, 2:] > 0).all(1) & (b[:, 2:] > 0).all(1) & (union > 0)
    ratio = np.divide(intersection, union, out=np.zeros(len(a)), where=valid)
    return np.clip(ratio, 0, 1)


def center_error(pred: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Distance between the boxes' centres in pixels: shape (N,); NaN where a box holds a NaN."""
    pred, truth = np.asarray(pred, float), np.asarray(truth, float)
    offset = pred[:, :2] + pred[:, 2:] / 2 - truth[:, :2] - truth[:, 2:] / 2
    return np.hypot(offset[:, 0], offset[:, 1])


def success_curve(pred: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Share of frames with IoU strictly above each of 21 thresholds 0, .05 … 1: shape (21,).

    Raises InputError for shapes that differ and where no frame has truth.
    """
    pred, truth = _scored(pred, truth)
    return (iou(pred, truth)[:, None] > SUCCESS_THRESHOLDS).mean(0)


def success_auc(pred: np.ndarray, truth: np.ndarray) -> float:
    """Mean of the success curve; a perfect tracker scores 20/21. Raises as `success_curve`."""
    return float(success_curve(pred, truth).mean())


def precision(pred: np.ndarray, truth: np.ndarray, pixels: float = PRECISION_PIXELS) -> float:
    """Share of frames with a centre error of at most `pixels`. Raises as `success_curve`."""
    pred, truth = _scored(pred, truth)
    return float((center_error(pred, truth) <= pixels).mean())


def _scored(pred, truth) -> tuple[np.ndarray, np.ndarray]:
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
