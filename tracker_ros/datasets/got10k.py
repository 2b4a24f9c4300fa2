"""GOT-10k: NAME/{groundtruth.txt, absence.label, cover.label, meta_info.ini, 00000001.jpg …}."""

from collections.abc import Iterator
from os.path import lexists
from pathlib import Path

import numpy as np

from ..core.errors import SourceError
from ..sources.annotations import flags_for, lines, listed, pictures, read_boxes
from .formats.text import boxes_for, first_box_only
from .track import Track


def read_training(folder: Path) -> Iterator[Track]:
    """The sequences in ``list.txt`` of the ``train`` or ``val`` folder. Raises SourceError."""
    for name in _names(folder, "train", "val"):
        home = folder / name
        names = pictures(home)
        boxes = boxes_for(home / "groundtruth.txt", names)
        yield _track(home, names, boxes, flags_for(home / "cover.label", names))


def read_testing(folder: Path) -> Iterator[Track]:
    """The sequences of the ``val`` or ``test`` folder; of ``test`` only the first box is known.

    Raises SourceError.
    """
    for name in _names(folder, "val", "test"):
        home = folder / name
        names, truth, cover = pictures(home), home / "groundtruth.txt", home / "cover.label"
        if lexists(cover):
            yield _track(home, names, read_boxes(truth), flags_for(cover, names))
        else:
            yield Track(name, name, names, first_box_only(truth, names, 1), truth)


def _names(folder: Path, *parts: str) -> list[str]:
    if not lexists(folder / "list.txt") and any((folder / part).is_dir() for part in parts):
        raise SourceError(f"{folder} is all of GOT-10k; name its folder {' or '.join(parts)}")
    return listed(folder, "list.txt", "*/groundtruth.txt")


def _track(home: Path, names: list[str], boxes: np.ndarray, cover: np.ndarray) -> Track:
    path = home / "meta_info.ini"
    facts = dict(line.partition(":")[::2] for line in lines(path)) if lexists(path) else {}
    kinds = (facts.get(name, "").strip() for name in ("major_class", "motion_class"))
    return Track(
        home.name,
        home.name,
        names,
        boxes,
        home / "groundtruth.txt",
        absent=flags_for(home / "absence.label", names) > 0,
        cover=cover,
        label=facts.get("object_class", "").strip(),
        attributes=tuple(filter(None, kinds)),
    )
