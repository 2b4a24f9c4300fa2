"""What several sets' layouts have in common."""

import re
from pathlib import Path

import numpy as np

from ...core.errors import SourceError
from ...sources.annotations import lines, pictures, read_boxes


def pictures_of(folder: Path, suffix: str = ".jpg") -> list[Path]:
    """The pictures of `folder`, 2.jpg before 10.jpg. Raises SourceError if there are none."""
    return [folder / name for name in pictures(folder, suffix)]


def flagged(path: Path | None, names: tuple[str, ...]) -> tuple[str, ...]:
    """Those of `names` at whose place `path` has a 1 instead of a 0; none without a file.

    Raises SourceError naming the file.
    """
    if path is None or not path.is_file():
        return ()
    words = re.split(r"[\s,]+", " ".join(lines(path)))
    if len(words) != len(names) or not {*words} <= {"0", "1"}:
        raise SourceError(f"{path} is not a line of {len(names)} flags, 0 or 1")
    return tuple(name for name, word in zip(names, words, strict=True) if word == "1")


def first_box_only(path: Path, count: int) -> np.ndarray:
    """Truth (count, 4) of a set whose server keeps all but the first box, which `path` holds."""
    boxes = read_boxes(path)
    if len(boxes) != 1:
        raise SourceError(f"{path} has {len(boxes)} lines, but a test set shows only the first box")
    return np.vstack((boxes, np.full((count - 1, 4), np.nan)))
