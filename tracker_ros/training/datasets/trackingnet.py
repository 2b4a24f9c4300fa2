"""TrackingNet: TRAIN_0/{anno/VIDEO.txt, frames/VIDEO/0.jpg, 1.jpg …}."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ...core.errors import SourceError
from ...sources.annotations import pictures
from ..data.clips import Clip, make_clip
from .folder import Folder, boxes_for


def read_trackingnet(folder: Path) -> Iterator[Clip]:
    """The videos of all parts ``TRAIN_*`` that are there. Raises SourceError."""
    store = Folder(folder)
    annotations = sorted(folder.glob("TRAIN_*/anno/*.txt"))
    if not annotations:
        raise SourceError(f"{folder} holds no TRAIN_*/anno/VIDEO.txt")
    for path in annotations:
        frames = path.parents[1] / "frames" / path.stem
        names = pictures(frames)
        home = frames.relative_to(folder).as_posix()
        yield make_clip(store, names, boxes_for(path, names), folder=home)
