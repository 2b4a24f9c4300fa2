"""Text files that several sets have in common: boxes of all pictures or of one, flags."""

import re
from os.path import lexists
from pathlib import Path

import numpy as np

from ...core.errors import SourceError
from ...sources.annotations import lines, read_boxes


def flagged(path: Path | None, listed: str) -> tuple[str, ...]:
    """Names at whose place ``path`` has a 1 instead of a 0; none without a file.

    ``listed``: all of them, between commas. Raises SourceError naming the file.
    """
    if path is None or not lexists(path):
        return ()
    names, words = listed.split(", "), re.split(r"[\s,]+", " ".join(lines(path)))
    if len(words) != len(names) or not {*words} <= {"0", "1"}:
        raise SourceError(f"{path} is not a line of {len(names)} flags, 0 or 1")
    return tuple(name for name, word in zip(names, words, strict=True) if word == "1")


def first_box_only(path: Path, names: list[str], start: int) -> np.ndarray:
    """Boxes [N, 4] of a set whose server keeps all but the first, the one in ``path``.

    names: of the pictures, which count from ``start``: nothing else shows that one is missing, and
    that the server would compare all later boxes with those of other frames. Raises SourceError.
    """
    for number, name in enumerate(names, start):
        stem = Path(name).stem
        if not (stem.isdecimal() and int(stem) == number):
            raise SourceError(f"{path}: of its pictures, {name} is in the place of number {number}")
    boxes = read_boxes(path)
    if len(boxes) != 1:
        raise SourceError(f"{path} has {len(boxes)} lines, but a test set shows only the first box")
    return np.vstack((boxes, np.full((len(names) - 1, 4), np.nan)))


def boxes_for(path: Path, names: list[str]) -> np.ndarray:
    """The box of each picture, float64 [N, 4], from a text file of one x,y,w,h a line.

    Raises SourceError naming file and line: not 4 numbers, NaN, another number of lines.
    """
    boxes = read_boxes(path)
    absent = np.flatnonzero(np.isnan(boxes).any(1))
    if len(absent):
        raise SourceError(f"{path} line {absent[0] + 1} holds NaN, but every picture needs a box")
    if len(boxes) != len(names):
        raise SourceError(f"{path} has {len(boxes)} lines for {len(names)} pictures")
    return boxes
