"""TrackingNet: {TRAIN_0, TEST}/{anno/VIDEO.txt, frames/VIDEO/0.jpg, 1.jpg …}."""

from collections.abc import Iterator
from pathlib import Path

from ..core.errors import SourceError
from ..sources.annotations import pictures
from ..sources.order import visible
from .formats.text import boxes_for, first_box_only
from .track import Track


def read_training(folder: Path) -> Iterator[Track]:
    """The videos of all parts ``TRAIN_*`` that are there. Raises SourceError."""
    annotations = sorted(visible(folder.glob("TRAIN_*/anno/*.txt")))
    if not annotations:
        raise SourceError(f"{folder} holds no TRAIN_*/anno/VIDEO.txt")
    for truth in annotations:
        home, names = _pictures(truth)
        yield Track(truth.stem, _below(folder, home), names, boxes_for(truth, names), truth)


def read_testing(folder: Path) -> Iterator[Track]:
    """The videos of ``TEST``, of which only the first box is known. Raises SourceError."""
    part = folder / "TEST" if (folder / "TEST").is_dir() else folder
    annotations = sorted(visible(part.glob("anno/*.txt")))
    if not annotations:
        raise SourceError(f"{folder} holds no TEST/anno/VIDEO.txt")
    for truth in annotations:
        home, names = _pictures(truth)
        boxes = first_box_only(truth, len(names))
        yield Track(truth.stem, _below(folder, home), names, boxes, truth)


def _pictures(truth: Path) -> tuple[Path, list[str]]:
    home = truth.parents[1] / "frames" / truth.stem
    return home, pictures(home)


def _below(folder: Path, home: Path) -> str:
    return home.relative_to(folder).as_posix()
