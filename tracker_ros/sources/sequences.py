"""Sequences of pictures with truth; those in OTB layout, NAME/img and NAME/groundtruth_rect.txt."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from os.path import lexists
from pathlib import Path

import numpy as np

from ..core.errors import SourceError
from ..core.io.levels import Levels
from ..core.io.paths import real
from .annotations import absent_where_empty, lines
from .folder import TRUTH_NAME, read_folder, read_picture
from .order import in_order

ATTRIBUTES_NAME = "attributes.txt"


@dataclass(frozen=True, eq=False)
class Sequence:
    """Pictures on disk and a true box for each of these N.

    paths: the pictures' files, in order. truth: float64 [N, 4], x y w h in pixels, rows of NaN
    where the target is absent or its box is not public. scored: bool [N], False on frames that
    the set leaves out whatever their truth. origin: the file of the truth, for messages.

    Raises SourceError where pictures and truth do not match or the first frame, from which one-pass
    evaluation starts, shows no target.
    """

    name: str
    paths: list[Path]
    truth: np.ndarray
    origin: Path
    attributes: tuple[str, ...] = ()
    scored: np.ndarray = field(default=None)

    def __post_init__(self):
        if self.scored is None:
            object.__setattr__(self, "scored", np.ones(len(self.truth), bool))
        if len(self.truth) != len(self.paths):
            raise SourceError(
                f"{self.origin} has {len(self.truth)} lines for {len(self.paths)} pictures"
            )
        object.__setattr__(self, "truth", absent_where_empty(self.truth))
        if np.isnan(self.truth[0]).any():
            raise SourceError(f"{self.origin} line 1 holds no box to start from")

    def __len__(self) -> int:
        return len(self.truth)

    def images(self) -> Iterator[np.ndarray]:
        """Yield the pictures in order, uint8 [H, W, 3] BGR, one in memory at a time."""
        return map(partial(read_picture, levels=Levels()), self.paths)


def open_sequence(folder: Path) -> Sequence:
    """The OTB-style sequence that ``folder`` is; its ``attributes.txt`` names attributes."""
    paths, origin, truth = read_folder(folder)
    if truth is None:
        raise SourceError(f"{folder} has no {TRUTH_NAME}")
    listed = folder / ATTRIBUTES_NAME
    attributes = tuple(filter(None, lines(listed, sep=","))) if lexists(listed) else ()
    return Sequence(folder.name, paths, truth, origin, attributes)


def find_sequences(folder: Path) -> list[Sequence]:
    """The OTB-style sequence that ``folder`` is, or those directly inside it, in natural order."""
    folder = real(folder)
    if not folder.is_dir():
        raise SourceError(f"{folder} is not a folder")
    if lexists(folder / TRUTH_NAME):
        return [open_sequence(folder)]
    inside = in_order(p.parent for p in folder.glob(f"*/{TRUTH_NAME}"))
    if not inside:
        raise SourceError(f"{folder} holds no sequence, that is no folder with {TRUTH_NAME}")
    return [open_sequence(path) for path in inside]
