"""Plain OTB folders: NAME/{img/0001.jpg …, groundtruth_rect.txt}."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ...sources.sequences import find_sequences
from ..data.clips import Clip, make_clip
from .folder import Folder


def read_otb(folder: Path) -> Iterator[Clip]:
    """The sequences that ``tracker-ros evaluate`` would find, without frames of NaN.

    Raises SourceError.
    """
    folder = folder.resolve()
    store = Folder(folder)
    for sequence in find_sequences(folder):
        home = sequence.paths[0].parent
        names = [path.name for path in sequence.paths]
        # A folder that is a sequence itself holds its pictures in its own img.
        yield make_clip(store, names, sequence.truth, folder=home.relative_to(folder).as_posix())
