"""TrackingNet: {TRAIN_0, TEST}/{anno/VIDEO.txt, frames/VIDEO/0.jpg, 1.jpg …}."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from ..core.errors import SourceError
from ..sources.annotations import pictures
from ..sources.order import visible
from .formats.text import boxes_for, first_box_only
from .track import Track


def read_training(folder: Path) -> Iterator[Track]:
    """The videos of all parts ``TRAIN_*`` that are there. Raises SourceError."""
    return _read(folder, "TRAIN_*", folder.glob("TRAIN_*/anno/*.txt"), boxes_for)


def read_testing(folder: Path) -> Iterator[Track]:
    """The videos of ``TEST``, of which only the first box is known. Raises SourceError."""
    part = folder / "TEST" if (folder / "TEST").is_dir() else folder
    return _read(folder, "TEST", part.glob("anno/*.txt"), partial(first_box_only, start=0))


def _read(
    folder: Path,
    part: str,
    annotations: Iterable[Path],
    boxes: Callable[[Path, list[str]], np.ndarray],
) -> Iterator[Track]:
    truths = sorted(visible(annotations))
    if not truths:
        raise SourceError(f"{folder} holds no {part}/anno/VIDEO.txt")
    for truth in truths:
        home = truth.parents[1] / "frames" / truth.stem
        names, below = pictures(home), home.relative_to(folder).as_posix()
        yield Track(truth.stem, below, names, boxes(truth, names), truth)
