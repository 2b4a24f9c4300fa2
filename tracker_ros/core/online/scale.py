"""The scale of a target, by ridge regression on views of it whose scale is known.

As MDNet's regression of boxes on the features of the first frame (Nam and Han, CVPR 2016, sec. 3.4;
there of position and sides), but it goes on learning: each look at another scale is one more view
whose scale is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

REGION = 8  # cells around the target's centre that are looked at
RIDGE = 0.02  # of the mean square of a view
VIEWS = 30  # later ones that are kept


@dataclass(frozen=True, eq=False)
class ScaleRegression:
    """Features around a target → the logarithm of its scale. Learning returns a new one.

    Attributes:
        views: float32 [N, P], features of REGION × REGION cells. scales: float64 [N], logarithms.
        products: float32 [N, N] of the views. used: how many views there are. first: how many of
            them are of the first frame, which are never replaced. next: where the next one goes.
        slope: float32 [P]. offset: the scale is slope · view + offset.
    """

    views: np.ndarray
    scales: np.ndarray
    products: np.ndarray
    used: int
    first: int
    next: int
    slope: np.ndarray
    offset: float

    @classmethod
    def start(cls, views: np.ndarray, scales: Sequence[float]) -> ScaleRegression:
        """From views [N, P] of the first frame and the logarithms of their scales."""
        count, length = views.shape
        kept = np.zeros((count + VIEWS, length), np.float32)
        kept[:count] = views
        known = np.zeros(count + VIEWS)
        known[:count] = scales
        new = cls(kept, known, kept @ kept.T, count, count, 0, kept[0], 0.0)
        return new._fitted()

    def __call__(self, view: np.ndarray) -> float:
        """The logarithm of the scale of a view [P]."""
        return float(view @ self.slope + self.offset)

    def learn(self, views: Sequence[np.ndarray], scales: Sequence[float]) -> ScaleRegression:
        """Learn further views [P] and their logarithms, in place of the oldest later ones."""
        kept, known, products = self.views.copy(), self.scales.copy(), self.products.copy()
        at = self.next
        for view, scale in zip(views, scales, strict=True):
            place = self.first + at % VIEWS
            kept[place], known[place], at = view, scale, at + 1
            products[place] = products[:, place] = kept @ view
        used = self.first + min(at, VIEWS)
        new = replace(self, views=kept, scales=known, products=products, used=used, next=at)
        return new._fitted()

    def _fitted(self) -> ScaleRegression:
        """Ridge regression in its dual form: as many unknowns as views, however long they are."""
        used = slice(self.used)
        products, scales = self.products[used, used].astype(np.float64), self.scales[used]
        means = products.mean(0)
        centred = products - means - means[:, None] + products.mean()
        ridge = RIDGE * np.trace(centred) / self.used + 1e-12
        mean = scales.mean()
        weights = np.linalg.solve(centred + ridge * np.eye(self.used), scales - mean)
        weights -= weights.mean()
        slope = weights.astype(np.float32) @ self.views[used]
        offset = float(mean - means @ weights)
        return replace(self, slope=slope, offset=offset)


def region(features: np.ndarray, x: float, y: float) -> np.ndarray:
    """Features around a place x, y cells from the middle: [D, n, n] → [D·REGION²], interpolated.

    The place is at most as far from the middle as the grid allows.
    """
    most = features.shape[-1] - REGION
    left, top = (min(max(most / 2 + place, 0.0), most - 1e-3) for place in (x, y))
    row, column = int(top), int(left)
    down, along = top - row, left - column
    part = features[:, row : row + REGION + 1, column : column + REGION + 1]
    part = (1 - down) * part[:, :-1] + down * part[:, 1:]
    return ((1 - along) * part[:, :, :-1] + along * part[:, :, 1:]).ravel()
