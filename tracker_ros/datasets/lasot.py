"""LaSOT: CLASS/CLASS-1/{img/00000001.jpg, groundtruth, full_occlusion and out_of_view.txt}."""

from collections.abc import Iterator
from os.path import lexists
from pathlib import Path

import numpy as np

from ..core.errors import SourceError
from ..core.io.paths import real
from ..sources.annotations import flags_for, lines, pictures, read_boxes
from ..sources.order import in_order, visible
from .formats.text import boxes_for, flagged
from .track import Track

# In the order of the toolkit's annos/att/NAME.txt.
ATTRIBUTES = (
    "illumination variation, partial occlusion, deformation, motion blur, camera motion, "
    "rotation, background clutter, viewpoint change, scale variation, full occlusion, "
    "fast motion, out of view, low resolution, aspect ratio change"
)
TRAINING, TESTING = "training_set.txt", "testing_set.txt"  # one name a line


def read_training(folder: Path) -> Iterator[Track]:
    """The sequences of ``training_set.txt``; without it, all but those of ``testing_set.txt``.

    Sequences may lie in a folder of their class or directly in ``folder``. Raises SourceError.
    """
    for home in _homes(folder, TRAINING, TESTING):
        names = pictures(home / "img")
        yield _track(folder, home, names, boxes_for(home / "groundtruth.txt", names))


def read_testing(folder: Path) -> Iterator[Track]:
    """The sequences of ``testing_set.txt``; without it, all but those of ``training_set.txt``.

    Attributes are read from ``annos/att/NAME.txt`` where the toolkit's folder ``annos`` is beside
    the sequences. Raises SourceError.
    """
    for home in _homes(folder, TESTING, TRAINING):
        yield _track(folder, home, pictures(home / "img"), read_boxes(home / "groundtruth.txt"))


def _homes(folder: Path, wanted: str, others: str) -> list[Path]:
    homes: dict[str, Path] = {}
    for pattern in ("*/groundtruth.txt", "*/*/groundtruth.txt"):
        for home in visible(path.parent for path in folder.glob(pattern)):
            other = homes.setdefault(home.name, home)
            if real(other) != real(home):
                raise SourceError(f"two sequences have the name {home.name!r}: {other} and {home}")
    if not homes:
        raise SourceError(f"{folder} holds no CLASS/CLASS-1/groundtruth.txt")
    if lexists(folder / wanted):
        names = lines(folder / wanted)
        for number, name in enumerate(names, 1):
            if name not in homes:
                raise SourceError(f"{folder / wanted} line {number}: no sequence {name[:60]!r}")
        return [homes[name] for name in names]
    left_out = set(lines(folder / others)) if lexists(folder / others) else set()
    return in_order(home for name, home in homes.items() if name not in left_out)


def _track(folder: Path, home: Path, names: list[str], boxes: np.ndarray) -> Track:
    hidden, outside = (
        flags_for(home / f"{name}.txt", names) > 0 for name in ("full_occlusion", "out_of_view")
    )
    absent = hidden | outside
    if len(boxes) == len(names):  # what differs, ``Sequence`` says
        absent |= (boxes[:, 2:] <= 0).any(1)
    return Track(
        home.name,
        (home / "img").relative_to(folder).as_posix(),
        names,
        boxes,
        home / "groundtruth.txt",
        absent=absent,
        label=home.name.rpartition("-")[0],
        attributes=flagged(folder / "annos" / "att" / f"{home.name}.txt", ATTRIBUTES),
    )
