"""Peaks of maps over a crop's cells: where they are, in parts of cells, and which one counts."""

import math
from typing import NamedTuple

import cv2
import numpy as np

from .boxes import Point
from .crop import Window

REACH = 3  # cells: how far a response's peak may be from the cell that was chosen
APART = 1.6  # cells: what is nearer is the same peak
OWN = 1.5  # cells: spread of what is left of a response around the place that was chosen
# A peak has at least this response, and this share of the highest peak's.
LEAST, LEAST_SHARE = 0.15, 0.4


class Peak(NamedTuple):
    """A peak of a response: ``place`` in image pixels, ``cell`` as column and row of the map."""

    place: Point
    strength: float
    cell: Point


def all_peaks(response: np.ndarray, window: Window, most: int) -> list[Peak]:
    """The ``most`` highest peaks of ``response``, float32 [n, n], of the crop of ``window``."""
    cell = window.size / len(response)
    least = max(LEAST, LEAST_SHARE * float(response.max()))
    hills = cv2.dilate(response, np.ones((3, 3), np.uint8))
    rows, columns = np.nonzero((response >= hills) & (response >= least))
    found = []
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        x, y = peak_at(response, row, column)
        place = window.to_image(((x + 0.5) * cell, (y + 0.5) * cell, 0.0, 0.0))[:2]
        found.append(Peak(place, float(response[row, column]), (x, y)))
    return sorted(found, key=lambda one: -one.strength)[:most]


def peak(response: np.ndarray, row: int, column: int) -> tuple[float, float]:
    """The highest place of ``response`` [h, w] near a cell: column and row, parts of cells.

    Within ``REACH`` cells; a parabola through the neighbours tells the part.
    """
    top, left = max(row - REACH, 0), max(column - REACH, 0)
    near = response[top : row + REACH + 1, left : column + REACH + 1]
    row, column = divmod(int(near.argmax()), near.shape[1])
    return peak_at(response, row + top, column + left)


def highest(response: np.ndarray) -> tuple[float, float]:
    """The highest place of all of ``response`` [h, w]: as ``peak``."""
    return peak_at(response, *divmod(int(response.argmax()), response.shape[1]))


def bell(shape: tuple[int, ...], cell: tuple[float, float]) -> np.ndarray:
    """1 at a place, column and row, and less from there on: float32, of a map's ``shape``."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    away = np.hypot(columns - cell[0], rows - cell[1])
    return np.exp(-((away / OWN) ** 2) / 2).astype(np.float32)


def outvoted(response: np.ndarray, score: np.ndarray, weight: float) -> np.ndarray | None:
    """Where the target is, if the network's score tells another place than the response does.

    ``response``, ``score``: float32 [h, w]; ``weight``: of the score. Returns both together around
    their highest place, float32 [h, w]; None where that is the response's own.
    """
    both = response + np.float32(weight) * score
    here, there = (divmod(int(one.argmax()), one.shape[1]) for one in (response, both))
    if math.dist(here, there) <= APART:
        return None
    return np.where(both > 0, both * bell(both.shape, there[::-1]), both)


def near_peak(score: np.ndarray, response: np.ndarray) -> float:
    """The highest score within a cell of the response's peak; both float32 [h, w]."""
    row, column = divmod(int(response.argmax()), response.shape[1])
    top, left = max(row - 1, 0), max(column - 1, 0)
    return float(score[top : row + 2, left : column + 2].max())


def peak_at(response: np.ndarray, row: int, column: int) -> tuple[float, float]:
    """The top of a cell that is higher than those around it: column and row, parts of cells."""
    across, down = response[row], response[:, column]
    return column + _vertex(across, column), row + _vertex(down, row)


def _vertex(values: np.ndarray, middle: int) -> float:
    """Where a parabola through three values has its top, from the middle one, -0.5 to 0.5."""
    if not 0 < middle < len(values) - 1:
        return 0.0
    before, here, after = values[middle - 1 : middle + 2].tolist()
    bend = before - 2 * here + after
    return min(max((before - after) / (2 * bend), -0.5), 0.5) if bend < -1e-9 else 0.0
