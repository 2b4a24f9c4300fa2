"""Pictures and masks in plain folders."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np

from ...core.errors import SourceError
from ...sources.folder import read_boxes
from ..clips import FARTHEST
from ..shards import SHRUNK


class Folder:
    """Pictures below a folder, named by their relative path; each is read when it is asked for.

    A mask's name may end in ``#RRGGBB``: then only the pixels of that colour belong to the object.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)

    def image(self, name: str, shrink: int = 1) -> np.ndarray:
        """Decode a picture to 1/``shrink`` (1, 2, 4, 8) of its sides: uint8 [H, W, 3], BGR."""
        return decode(self.path / name, SHRUNK[shrink])

    def mask(self, name: str) -> np.ndarray:
        """Decode a mask: bool [H, W]."""
        name, _, colour = name.partition("#")
        pixels = colours(self.path / name)
        return pixels == int(colour, 16) if colour else pixels > 0


def decode(path: Path, flag: int = cv2.IMREAD_COLOR) -> np.ndarray:
    """Read a picture with an OpenCV flag. Raises SourceError if it is missing or damaged."""
    try:
        image = cv2.imdecode(np.fromfile(path, np.uint8), flag)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from None
    except (cv2.error, ValueError):  # an empty file, an impossible name
        image = None
    if image is None:
        raise SourceError(f"{path} is not a picture")
    return image


def colours(path: Path) -> np.ndarray:
    """The colour 0xRRGGBB of each pixel: int32 [H, W]."""
    return decode(path).astype(np.int32) @ np.array([1, 1 << 8, 1 << 16], np.int32)


def pictures(folder: Path, suffix: str = ".jpg") -> list[str]:
    """Names of the pictures in ``folder``, 2.jpg before 10.jpg. Raises SourceError if none."""
    try:
        names = [entry.name for entry in os.scandir(folder) if entry.name.endswith(suffix)]
    except OSError as error:
        raise SourceError(f"{folder} cannot be read: {error.strerror}") from None
    if not names:
        raise SourceError(f"{folder} holds no picture *{suffix}")
    return sorted(names, key=lambda name: (len(name), name))


def boxes_for(path: Path, names: list[str]) -> np.ndarray:
    """The box of each picture, float64 [N, 4], from a text file of one x,y,w,h a line.

    Raises SourceError naming file and line: not four numbers, NaN, another number of lines.
    """
    boxes = read_boxes(path)
    wrong = np.flatnonzero(~(np.abs(boxes) <= FARTHEST).all(1))
    if len(wrong):
        raise SourceError(f"{path} line {wrong[0] + 1} holds NaN or a number beyond any picture")
    if len(boxes) != len(names):
        raise SourceError(f"{path} has {len(boxes)} lines for {len(names)} pictures")
    return boxes


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


def lines(path: Path, sep: str = "\n") -> list[str]:
    """The stripped lines of a text file (split at ``sep`` too), without the empty ones at its end.

    Raises SourceError if it cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{path} cannot be read: {error}") from None
    found = [part.strip() for part in text.rstrip(f"{sep} \t\r\n").replace(sep, "\n").split("\n")]
    return found if found != [""] else []


def listed(folder: Path, list_name: str, pattern: str) -> list[str]:
    """Sequences below ``folder``: those of its list where there is one, else the parents of the
    files that fit ``pattern``. Raises SourceError naming the line of a sequence that is missing.
    """
    path = folder / list_name
    if not path.is_file():
        found = sorted(p.parent.relative_to(folder).as_posix() for p in folder.glob(pattern))
        if not found:
            raise SourceError(f"{folder} holds no {pattern} and no {list_name}")
        return found
    names = lines(path)
    for number, name in enumerate(names, 1):
        if not name or not (folder / name).is_dir():
            raise SourceError(f"{path} line {number}: {folder / name} is not a folder")
    return names
