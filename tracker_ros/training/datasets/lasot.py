"""LaSOT: CLASS/CLASS-1/{img/00000001.jpg, groundtruth, full_occlusion and out_of_view.txt}."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ...core.errors import SourceError
from ...sources.annotations import flags_for, lines, pictures
from ..data.clips import Clip, make_clip
from .folder import Folder, boxes_for

TRAINING, TESTING = "training_set.txt", "testing_set.txt"  # one name a line
_FILES = ("img", "groundtruth.txt", "full_occlusion.txt", "out_of_view.txt")
ANNOTATIONS = (TRAINING, TESTING, *(f"{home}/{name}" for home in ("*", "*/*") for name in _FILES))


def read_lasot(folder: Path) -> Iterator[Clip]:
    """The sequences of ``training_set.txt``, without frames that show no target.

    Without that list all sequences are read but those of ``testing_set.txt``; without both, all.
    Sequences may lie in a folder of their class or directly in ``folder``. Raises SourceError.
    """
    store = Folder(folder)
    for name in _names(folder):
        home = folder / name
        names = pictures(home / "img")
        boxes = boxes_for(home / "groundtruth.txt", names)
        hidden = flags_for(home / "full_occlusion.txt", names)
        outside = flags_for(home / "out_of_view.txt", names)
        keep = (hidden == 0) & (outside == 0)
        label = home.name.rpartition("-")[0]
        yield make_clip(store, names, boxes, keep=keep, folder=f"{name}/img", label=label)


def _names(folder: Path) -> list[str]:
    found = {
        path.parent.name: path.parent.relative_to(folder).as_posix()
        for pattern in ("*/groundtruth.txt", "*/*/groundtruth.txt")
        for path in folder.glob(pattern)
    }
    if not found:
        raise SourceError(f"{folder} holds no CLASS/CLASS-1/groundtruth.txt")
    if not (folder / TRAINING).is_file():
        test = set(lines(folder / TESTING)) if (folder / TESTING).is_file() else set()
        return [found[name] for name in sorted(found.keys() - test)]
    wanted = lines(folder / TRAINING)
    for number, name in enumerate(wanted, 1):
        if name not in found:
            raise SourceError(f"{folder / TRAINING} line {number}: there is no sequence {name!r}")
    return [found[name] for name in wanted]
