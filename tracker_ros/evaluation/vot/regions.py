"""VOT's regions: rectangles (x, y, w, h) and polygons (x1, y1, x2, y2, ...), in pixels.

A region is a float array: of 4 numbers a rectangle, of 6 or any larger even number a polygon.
"""

from pathlib import Path

import numpy as np

from ...core.errors import SourceError
from ...core.io.numbers import parse_number
from ...sources.annotations import FARTHEST, lines


def read_regions(path: Path) -> list[np.ndarray]:
    """Read one region a line. Raises SourceError that names file and line of anything else."""
    return [_parse(line, f"{path} line {i}") for i, line in enumerate(lines(path), 1)]


def _parse(line: str, where: str) -> np.ndarray:
    if line.startswith("m"):
        raise SourceError(f"{where} is a mask, but only rectangles and polygons are supported")
    try:
        region = np.array([parse_number(value) for value in line.split(",")])
    except ValueError:
        raise SourceError(f"{where} is no rectangle or polygon: {line[:60]!r}") from None
    if len(region) < 4 or len(region) % 2:
        raise SourceError(f"{where} has {len(region)} numbers instead of 4 or 8")
    if not np.isfinite(region).all():
        raise SourceError(f"{where} has no region, but this protocol needs one in every frame")
    if (np.abs(region) > FARTHEST).any():
        raise SourceError(f"{where} has a number that is of no picture")
    if (bounding_box(region)[2:] <= 0).any():
        raise SourceError(f"{where} has a region without area")
    return region


def bounding_box(region: np.ndarray) -> np.ndarray:
    """The upright rectangle (x, y, w, h) around ``region``, on which a tracker is started."""
    if len(region) == 4:
        return region
    points = region.reshape(-1, 2)
    low = points.min(0)
    return np.concatenate((low, points.max(0) - low))


def overlap(a: np.ndarray, b: np.ndarray, size: tuple[int, int]) -> float:
    """Intersection over union of the pixels of two regions within an image of (width, height).

    Counts pixels as vot-toolkit 0.9.0 does: coordinates are first rounded to whole pixels (halves
    to even). A rectangle then covers w by h pixels; a polygon, in each row that it reaches, all
    from its leftmost to its rightmost crossing, both cut down to whole pixels. So a polygon holds
    the pixels of its right and lower corners and a rectangle does not. The toolkit differs only for
    polygons that are not convex, where both regions lie in one row or column of the image, and,
    rarely and by a pixel, where rounding errors decide. 0 where neither has a pixel.
    """
    top_a, *spans_a = _spans(a, size)
    top_b, *spans_b = _spans(b, size)
    low = max(top_a, top_b)
    high = max(low, min(top_a + len(spans_a[0]), top_b + len(spans_b[0])))
    left_a, right_a = (side[low - top_a : high - top_a] for side in spans_a)
    left_b, right_b = (side[low - top_b : high - top_b] for side in spans_b)
    common = _count(np.maximum(left_a, left_b), np.minimum(right_a, right_b))
    union = _count(*spans_a) + _count(*spans_b) - common
    return common / union if union else 0.0


def _count(left: np.ndarray, right: np.ndarray) -> int:
    return int(np.maximum(right - left + 1, 0).sum())


def _spans(region: np.ndarray, size: tuple[int, int]) -> tuple[int, np.ndarray, np.ndarray]:
    """The region's first row in the image, and each row's first and last column."""
    width, height = size
    whole = np.round(np.asarray(region, np.float32)).astype(int)
    if len(whole) == 4:
        x, y, w, h = whole
        rows = np.arange(max(y, 0), min(y + h, height))
        left, right = np.full(len(rows), x), np.full(len(rows), x + w - 1)
    else:
        x, y = whole.reshape(-1, 2).T
        rows = np.arange(max(y.min(), 0), min(y.max() + 1, height))
        left, right = _crossings(x, y, rows)
    return int(rows[0]) if len(rows) else 0, np.maximum(left, 0), np.minimum(right, width - 1)


def _crossings(x: np.ndarray, y: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the polygon's edges cross ``rows`` leftmost and rightmost, cut down to whole pixels."""
    x2, y2 = np.roll(x, 1), np.roll(y, 1)
    rise = np.where(y2 == y, 1, y2 - y)
    # Divided first, as the toolkit does: where an edge meets a pixel exactly, rounding decides.
    at = np.trunc(x + (rows[:, None] - y) / rise * (x2 - x) * (y2 != y)).astype(int)
    meets = (rows[:, None] >= np.minimum(y, y2)) & (rows[:, None] <= np.maximum(y, y2))
    far = np.iinfo(int).max
    return np.where(meets, at, far).min(1), np.where(meets, at, -far).max(1)
