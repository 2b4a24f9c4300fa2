"""Tracks, which the readers of public sets yield: one target in the pictures of a sequence."""

from collections.abc import Sequence as Ordered
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..sources.sequences import Sequence


@dataclass(frozen=True, eq=False)
class Track:
    """One target in N pictures, as its set describes it.

    Attributes:
        name: of the sequence.
        folder: of the pictures, below the set's own; may be empty.
        pictures: [N] names of files in ``folder``, in the order of time.
        boxes: float64 [N, 4], x, y, w, h in pixels; rows of NaN where the set gives none.
        origin: the file that the boxes are from, for messages.
        absent: bool [N], True where the target is marked as hidden or out of view; None: nowhere.
        cover: int [N], how much can be seen, from 0 (nothing) to 8 (all); None: not said.
        times: float [N], in frames of the video; None: the pictures are neighbours.
        masks: [N] names of masks for ``pictures.Folder``, empty where there is none; or None.
        label: class of the target, or empty.
        attributes: what makes the sequence hard, in the set's words.
    """

    name: str
    folder: str
    pictures: Ordered[str]
    boxes: np.ndarray
    origin: Path
    absent: np.ndarray | None = None
    cover: np.ndarray | None = None
    times: np.ndarray | None = None
    masks: Ordered[str] | None = None
    label: str = ""
    attributes: tuple[str, ...] = ()

    def sequence(self, root: Path) -> Sequence:
        """The track below ``root`` as it is evaluated; raises SourceError as ``Sequence`` does.

        Where the target is absent there is no truth. Where a set says how much can be seen,
        frames that show nothing are not scored, nor is the first, in which the tracker starts
        (GOT-10k's protocol).
        """
        truth = self.boxes
        if self.absent is not None and len(self.absent) == len(truth):
            truth = np.where(self.absent[:, None], np.nan, truth)
        scored = None
        if self.cover is not None:
            scored = self.cover > 0
            scored[0] = False
        paths = [root / self.folder / name for name in self.pictures]
        return Sequence(self.name, paths, truth, self.origin, self.attributes, scored)
