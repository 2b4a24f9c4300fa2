"""LaSOT: CLASS/CLASS-1/{img/00000001.jpg, groundtruth, full_occlusion and out_of_view.txt}."""

from pathlib import Path

import numpy as np

from ...core.errors import SourceError
from ...sources.annotations import flags_for, lines, read_boxes
from ...sources.folder import natural_key
from ...sources.sequences import Sequence
from .files import pictures_of

TRAINING, TESTING = "training_set.txt", "testing_set.txt"  # one name a line


def read_lasot(folder: Path) -> list[Sequence]:
    """The sequences of ``testing_set.txt``; the target is absent where it is hidden or outside.

    Without that list all sequences but those of ``training_set.txt``; without both, all. Sequences
    may lie in a folder of their class or directly in ``folder``. Raises SourceError.
    """
    homes = {
        path.parent.name: path.parent
        for pattern in ("*/groundtruth.txt", "*/*/groundtruth.txt")
        for path in folder.glob(pattern)
    }
    return [_read(home) for home in _chosen(folder, homes)]


def _chosen(folder: Path, homes: dict[str, Path]) -> list[Path]:
    if (folder / TESTING).is_file():
        names = lines(folder / TESTING)
        for number, name in enumerate(names, 1):
            if name not in homes:
                raise SourceError(f"{folder / TESTING} line {number}: no sequence {name[:60]!r}")
        return [homes[name] for name in names]
    train = set(lines(folder / TRAINING)) if (folder / TRAINING).is_file() else set()
    return sorted((home for name, home in homes.items() if name not in train), key=natural_key)


def _read(home: Path) -> Sequence:
    paths = pictures_of(home / "img")
    truth = home / "groundtruth.txt"
    boxes = read_boxes(truth)
    absent = flags_for(home / "full_occlusion.txt", paths) | flags_for(
        home / "out_of_view.txt", paths
    )
    if len(boxes) == len(paths):  # `Sequence` says it otherwise
        boxes[(absent > 0) | (boxes[:, 2:] <= 0).any(1)] = np.nan
    return Sequence(home.name, paths, boxes, truth)
