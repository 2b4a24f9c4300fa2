"""A target's first view, as the refiner of its boxes sees it (``networks.blocks.refiner``)."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ..geometry.boxes import Box

REGION = 10  # cells along a side of what is compared
MARGIN = 6  # cells of nothing around a grid, so that a region may reach beyond it


class Reference(NamedTuple):
    """What a crop shows around the target.

    Attributes:
        region: float32 [1, W, REGION, REGION]. shape: float32 [1, 2], logarithms of the target's
            width and height in units of the side that crops are made for.
    """

    region: np.ndarray
    shape: np.ndarray

    @classmethod
    def of(cls, embedded: np.ndarray, box: Box, stride: int, side: float) -> Reference:
        """From what the trunk gives for the refiner, of one crop, [W, n, n].

        ``box``: x, y, w, h in crop pixels. ``stride``: of a cell. ``side``: crop pixels.
        """
        x, y, w, h = box
        shape = np.array([[math.log(w / side), math.log(h / side)]], np.float32)
        return cls(around(embedded, (x + w / 2) / stride, (y + h / 2) / stride), shape)


def around(embedded: np.ndarray, x: float, y: float) -> np.ndarray:
    """What is around a place x, y cells from the corner: float32 [1, W, REGION, REGION].

    It is interpolated from a grid [W, n, n], and zero outside that.
    """
    most = embedded.shape[-1] + 2 * MARGIN - REGION - 1e-3 - 1
    left, top = (min(max(place + MARGIN - REGION / 2, 0.0), most) for place in (x, y))
    row, column = int(top), int(left)
    down, across = top - row, left - column
    reach = REGION + 1
    part = np.zeros((embedded.shape[0], reach, reach), np.float32)
    cells = embedded.shape[-1]
    rows, columns = (_overlap(start - MARGIN, reach, cells) for start in (row, column))
    part[:, rows[0], columns[0]] = embedded[:, rows[1], columns[1]]
    part = (1 - down) * part[:, :-1] + down * part[:, 1:]
    part = (1 - across) * part[:, :, :-1] + across * part[:, :, 1:]
    return part.astype(np.float32)[None]


def _overlap(start: int, length: int, cells: int) -> tuple[slice, slice]:
    """Where a stretch from ``start`` and a grid of ``cells`` meet: in the stretch, in the grid."""
    first, last = max(start, 0), max(min(start + length, cells), max(start, 0))
    return slice(first - start, last - start), slice(first, last)
