"""Association of detections with targets: the Hungarian assignment on class and overlap."""

from collections.abc import Sequence

import numpy as np

from ..core.geometry.boxes import Box, iou

MIN_OVERLAP = 0.3  # IoU below which a detection is somebody else


def overlaps(first: Sequence[Box], second: Sequence[Box]) -> np.ndarray:
    """Overlap of every box with every other: float64 [len(first), len(second)], see ``iou``."""
    one, other = (np.array(boxes, float).reshape(-1, 4) for boxes in (first, second))
    return iou(one[:, None], other)


def same_class(known: str, seen: str) -> bool:
    """Whether class ``seen`` fits a target of class ``known``; a target without class fits all."""
    return known in ("", seen)


def assign(
    targets: Sequence[tuple[str, Box]],
    detections: Sequence[tuple[str, Box]],
    min_overlap: float = MIN_OVERLAP,
) -> dict[int, int]:
    """The pairs with the largest sum of overlaps.

    Args:
        targets, detections: (class, box); see ``same_class``.
        min_overlap: below this IoU a target and a detection are no pair.
    Returns:
        Index of the target → index of its detection.
    """
    # Here, not above: a node without a detector starts without it. See ``Detector``.
    from scipy.optimize import linear_sum_assignment

    if not targets or not detections:
        return {}
    found = overlaps([box for _, box in targets], [box for _, box in detections])
    same = np.array([[same_class(a, b) for b, _ in detections] for a, _ in targets])
    fits = same & (found >= min_overlap)
    # What does not fit is worth nothing, so that it never takes a pair's place.
    rows, columns = linear_sum_assignment(np.where(fits, found, 0.0), maximize=True)
    return {
        int(row): int(column)
        for row, column in zip(rows, columns, strict=True)
        if fits[row, column]
    }
