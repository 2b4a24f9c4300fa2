"""Distance of what is in a box; not its mean, which lies between target and background."""

from dataclasses import dataclass

import numpy as np

from ...core.errors import InputError
from ...core.geometry.boxes import MAX_IMAGE_SIDE, Box
from .camera import NEAREST

INNER = 0.6  # share of the box's sides that is looked at: less background than at its rim
BIN = np.log(1.02)  # depths within 2 % of each other share a bin: sensors err in proportion
REACH = 0.03  # a surface holds the depths within 3 % of its own
SMALLEST = 0.1  # pixels: a side of a box that anything can be seen in
STRONG = 0.2  # share of the measured pixels that makes a surface one to speak of


@dataclass(frozen=True)
class Surface:
    """Pixels at one distance: the median in metres, the spread (1 sigma) and their number."""

    depth: float
    sigma: float
    count: int


def surfaces(
    depth: np.ndarray, box: Box, scale: float, min_points: int, max_range: float
) -> list[Surface]:
    """The surfaces in the inner part of a box, nearest first.

    Args:
        depth: [H, W], of any number type; ``scale``: metres of one unit. Pixels below a millimetre,
            not finite, or beyond ``max_range`` metres count as not measured.
        box: (x, y, width, height) in pixels of ``depth``.
        min_points: the least number of pixels of a surface.
    Returns:
        At least one surface.
    Raises:
        InputError: the box lies outside, too few of its pixels were measured, or they are
            scattered over all distances.
    """
    inside = _inner(depth, box)
    metres = inside.astype(np.float64).ravel() * scale
    metres = metres[np.isfinite(metres) & (metres >= NEAREST) & (metres <= max_range)]
    if len(metres) < min_points:
        raise InputError(
            f"{len(metres)} of {inside.size} pixels in the box have a depth up to {max_range:g} m,"
            f" but {min_points} are needed"
        )
    found = _modes(metres, max(min_points, STRONG * len(metres)))
    if not found:
        nearest, farthest = np.percentile(metres, (5, 95))
        raise InputError(
            f"the depths in the box are scattered from {nearest:.2f} to {farthest:.2f} m:"
            " no surface stands out"
        )
    return found


def _inner(depth: np.ndarray, box: Box) -> np.ndarray:
    x, y, w, h = box
    if not (min(w, h) >= SMALLEST and max(w, h, abs(x), abs(y)) <= 2 * MAX_IMAGE_SIDE):
        raise InputError(f"the box ({x:g}, {y:g}, {w:g}, {h:g}) is of no image")
    margin = (1 - INNER) / 2
    left, right = x + margin * w, x + (1 - margin) * w
    top, bottom = y + margin * h, y + (1 - margin) * h
    height, width = depth.shape
    columns = slice(max(int(left), 0), max(int(np.ceil(right)), 0))
    rows = slice(max(int(top), 0), max(int(np.ceil(bottom)), 0))
    inside = depth[rows, columns]
    if not inside.size:
        raise InputError(
            f"the box ({x:.0f}, {y:.0f}, {w:.0f}, {h:.0f}) lies outside the depth image of"
            f" {width}x{height} pixels"
        )
    return inside


def _modes(metres: np.ndarray, strong: float) -> list[Surface]:
    """Surfaces of at least ``strong`` pixels, nearest first."""
    logs = np.log(metres)
    first = logs.min()
    bins = ((logs - first) / BIN).astype(int)
    counts = np.bincount(bins, minlength=bins.max() + 1)
    near = np.convolve(counts, (1, 1, 1), mode="same") if len(counts) > 2 else counts
    found: list[Surface] = []
    # The largest first; what it holds is no longer there for the others.
    for peak in np.argsort(-near, kind="stable"):
        if near[peak] < strong:
            break
        centre = np.exp(first + (peak + 0.5) * BIN)
        if any(abs(centre / other.depth - 1) <= 2 * REACH for other in found):
            continue
        members = metres[np.abs(metres / centre - 1) <= REACH]
        middle = float(np.median(members))
        members = metres[np.abs(metres / middle - 1) <= REACH]
        if len(members) >= strong:
            sigma = 1.4826 * float(np.median(np.abs(members - middle)))
            found.append(Surface(middle, sigma, len(members)))
    return sorted(found, key=lambda surface: surface.depth)
