"""Cut-outs of masked objects that move over other pictures."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from ...core.errors import SourceError
from ..data.clips import Clip, Pictures, View
from ..data.clipset import ClipSet
from ..data.mixture import ClipPictures
from . import cutouts
from .geometry import Rng

SIZE = 384  # pixels a side of the composed pictures
MARGIN = 64  # pixels on each side into which the camera may pan
ATTEMPTS = 100  # clips in a row whose mask may be too small


class Collage:
    """Makes clips of cut-outs.

    Args:
        sets: sets with masks. pictures: the backgrounds.
    """

    def __init__(self, sets: Sequence[ClipSet], pictures: Pictures | ClipPictures):
        self._sets, self._pictures = sets, pictures

    def _choose(self, rng: Rng) -> tuple[ClipSet, int]:
        clips = self._sets[rng.integers(len(self._sets))]
        return clips, int(rng.integers(len(clips)))

    def draw(
        self, order: Callable[[Clip, Rng], list[int]], moving: bool, rng: Rng
    ) -> tuple[ClipSet, int, list[View]]:
        """A set, the index of a clip in it, and views of that clip's object over a still picture.

        ``order`` chooses the frames. ``moving``: the camera pans and motion blurs the object.
        Raises SourceError where no object is large enough.
        """
        for _ in range(ATTEMPTS):
            clips, index = self._choose(rng)
            clip = clips[index]
            side = rng.uniform(30, 90)
            seen = (clip.view(i, masked=True, detail=side) for i in order(clip, rng))
            # A lone picture has no motion of its own: its object changes shape at least.
            change = 0.12 if len(clip) == 1 else 0.0
            parts = [
                cutouts.cut_out(view, side, float(np.exp(rng.normal(0, change)))) for view in seen
            ]
            views = self._compose(parts, self._other(clip, side, rng), side, moving, rng)
            if views:
                return clips, index, views
        raise SourceError(f"{ATTEMPTS} clips in a row have no mask of a hundred pixels")

    def _other(self, clip: Clip, side: float, rng: Rng) -> tuple[np.ndarray, np.ndarray] | None:
        """A second cut-out, in a third of the cases of the same object."""
        if rng.random() < 0.7:
            clips, index = self._choose(rng)
            clip = clips[index]
        side *= rng.uniform(0.7, 1.3)
        view = clip.view(int(rng.integers(len(clip))), masked=True, detail=side)
        return cutouts.cut_out(view, side)

    def _compose(
        self,
        parts: list[tuple[np.ndarray, np.ndarray] | None],
        other: tuple[np.ndarray, np.ndarray] | None,
        side: float,
        moving: bool,
        rng: Rng,
    ) -> list[View]:
        """One view for each part; none if one of them is hardly visible."""
        margin = MARGIN if moving else 0
        picture = cv2.resize(self._pictures.draw(rng), (SIZE + 2 * margin,) * 2)
        pan = rng.uniform(-margin, margin, 2) / max(len(parts) - 1, 1)
        centre, drift = rng.uniform(140, SIZE - 140, 2), rng.normal(0, 18, 2)
        angle, spin = rng.uniform(-15, 15), rng.normal(0, 8)
        blur = int(rng.integers(2, 10)) if moving else 1
        views = []
        for step, part in enumerate(parts):
            if part is None:
                return []
            x, y = (margin + pan * step).astype(int)
            canvas = picture[y : y + SIZE, x : x + SIZE].copy()
            if other is not None:
                away = rng.uniform(0, 2 * np.pi)
                offset = side * rng.uniform(1.2, 2.2) * np.array([np.cos(away), np.sin(away)])
                cutouts.place(canvas, *other, centre + offset, rng.uniform(-20, 20), 1.0)
            if blur > 1:
                part = cutouts.smear(*part, blur, float(np.arctan2(drift[1], drift[0])))
            size = float(np.exp(rng.normal(0, 0.08)))
            place = centre + drift * step, angle + spin * step, size
            box = cutouts.place(canvas, *part, *place)
            if box is None:
                return []
            views.append(View(canvas, box))
        return views
