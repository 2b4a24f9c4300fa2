"""Annotation files of sequences (boxes, flags, names), and the pictures they belong to."""

import re
from os.path import isdir, lexists  # unlike Path.is_dir, of a name that is too long, too
from pathlib import Path

import numpy as np

from ..core.errors import SourceError, brief
from ..core.io.numbers import parse_number
from .order import in_order

FARTHEST = 1e6  # pixels: beyond any picture


def read_boxes(path: Path) -> np.ndarray:
    """Read one box a line: x y w h in pixels, separated by commas, tabs or spaces.

    Returns float64 of shape [N, 4]; a line of NaN means that the target is absent. Raises
    SourceError that names file and line of anything malformed.
    """
    return check_boxes(read_numbers(path, 4), path)


def check_boxes(boxes: np.ndarray, path: Path) -> np.ndarray:
    """Boxes [N, 4] of ``path`` with rows of NaN where any number is. Raises SourceError."""
    absent = np.isnan(boxes).any(1)
    for wrong, message in (
        (np.isinf(boxes).any(1), "has an infinite value"),
        ((np.abs(boxes) > FARTHEST).any(1), "has a number beyond any picture"),
        ((boxes[:, 2:] < 0).any(1), "has a negative width or height"),
    ):
        if (wrong & ~absent).any():
            raise SourceError(f"{path} line {np.flatnonzero(wrong & ~absent)[0] + 1} {message}")
    return np.where(absent[:, None], np.nan, boxes)


def absent_where_empty(boxes: np.ndarray) -> np.ndarray:
    """Boxes [N, 4] with rows of NaN where a box has no area, which says that nothing is there.

    Sets write 0,0,0,0 or NaN for a target that is hidden or away, and mean the same.
    """
    return np.where((boxes[:, 2:] > 0).all(1)[:, None], boxes, np.nan)


def read_numbers(path: Path, columns: int) -> np.ndarray:
    """Read ``columns`` numbers a line, separated by commas, tabs or spaces: float64 [N, columns].

    Raises SourceError that names file and line of anything malformed.
    """
    found = lines(path)
    if not found:
        raise SourceError(f"{path} is empty")
    return np.array([_parse(line, columns, f"{path} line {i}") for i, line in enumerate(found, 1)])


def _parse(line: str, columns: int, where: str) -> list[float]:
    try:
        numbers = [parse_number(value) for value in re.split(r"\s*,\s*|\s+", line)]
    except ValueError:
        raise SourceError(f"{where} is not {columns} numbers: {line[:60]!r}") from None
    if len(numbers) != columns:
        raise SourceError(f"{where} has {len(numbers)} numbers instead of {columns}")
    return numbers


def lines(path: Path, sep: str = "\n") -> list[str]:
    """The stripped lines of a text file (split at ``sep`` too), without the empty ones at its end.

    Raises SourceError if it cannot be read. Whoever can do without a file asks ``lexists`` for it:
    a folder or a broken link in its place is not taken for no file.
    """
    try:
        if path.exists() and not path.is_file():
            raise SourceError(f"{path} is not a file")  # to read a pipe would wait for ever
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{path} cannot be read: {brief(error)}") from None
    found = [part.strip() for part in text.rstrip(f"{sep} \t\r\n").replace(sep, "\n").split("\n")]
    return found if found != [""] else []


def flags_for(path: Path, names: list[str]) -> np.ndarray:
    """A whole number for each picture, int [N], from a file of numbers between commas or lines.

    Raises SourceError naming file and entry: not a whole number, another number of entries.
    """
    words = lines(path, sep=",")
    for number, word in enumerate(words, 1):
        if not (word.isdecimal() and len(word) < 10):
            raise SourceError(f"{path} entry {number} is not a whole number: {word[:60]!r}")
    if len(words) != len(names):
        raise SourceError(f"{path} has {len(words)} entries for {len(names)} pictures")
    return np.array([int(word) for word in words])


def pictures(folder: Path, suffixes: tuple[str, ...] = (".jpg",)) -> list[str]:
    """Names of the pictures in ``folder``, 2.jpg before 10.jpg. Raises SourceError if none."""
    try:
        found = in_order(p for p in folder.iterdir() if p.name.lower().endswith(suffixes))
    except OSError as error:
        raise SourceError(f"{folder} cannot be read: {error.strerror}") from None
    if not found:
        raise SourceError(f"{folder} holds no pictures ({' '.join(suffixes)})")
    return [path.name for path in found]


def listed(folder: Path, list_name: str, pattern: str) -> list[str]:
    """Sequences below ``folder``: those of its list where there is one, else the parents of the
    files that fit ``pattern``. Raises SourceError where there is none, or that names the line of
    one that is missing.
    """
    path = folder / list_name
    if not lexists(path):
        found = sorted(
            p.parent.relative_to(folder).as_posix()
            for p in folder.glob(pattern)
            if not p.parent.name.startswith(".")
        )
        if not found:
            raise SourceError(f"{folder} holds no {pattern} and no {list_name}")
        return found
    names = lines(path)
    if not names:
        raise SourceError(f"{path} is empty")
    for number, name in enumerate(names, 1):
        if not name or not isdir(folder / name):
            raise SourceError(f"{path} line {number}: {name[:60]!r} is not a folder of {folder}")
    return names
