"""Folders of pictures, in natural order; with truth where the folder is an OTB sequence."""

import logging
from collections.abc import Iterator
from os.path import lexists
from pathlib import Path

import numpy as np

from ..core.errors import InputError, SourceError, brief
from ..core.io.levels import Levels
from ..core.io.pictures import decode
from .annotations import absent_where_empty, pictures, read_boxes
from .base import DEFAULT_FPS, Frame, Source

logger = logging.getLogger(__name__)

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
TRUTH_NAME = "groundtruth_rect.txt"
# OTB sequences whose truth covers only some of their pictures: first and last, from 1.
OTB_RANGES = {
    "David": (300, 770),
    "Football1": (1, 74),
    "Freeman3": (1, 460),
    "Freeman4": (1, 283),
    "Diving": (1, 215),
}


def read_picture(path: Path, shrink: int = 1, levels: Levels | None = None) -> np.ndarray:
    """Decode ``path`` to uint8 [H, W, 3] BGR; raises SourceError if damaged.

    shrink, levels: as for ``core.io.pictures.decode``.
    """
    try:
        if path.exists() and not path.is_file():
            raise SourceError(f"{path} is not a file")  # to read a pipe would wait for ever
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        raise SourceError(f"{path} cannot be read: {brief(error)}") from None
    try:
        return decode(data, shrink, levels)
    except InputError as error:
        raise SourceError(f"{path} {error}") from None


def with_truth(name: str, pictures: list, boxes: int) -> list:
    """Those of an OTB sequence's pictures that its truth, of so many boxes, is for."""
    first, last = OTB_RANGES.get(name, (1, None))
    return pictures[first - 1 : last] if len(pictures) > boxes else pictures


def read_folder(path: Path) -> tuple[list[Path], Path, np.ndarray | None]:
    """The pictures of a folder, or of its ``img`` folder; file and boxes [N, 4] of their truth.

    The boxes are as they stand there, and not more than pictures; None without the file. Raises
    SourceError.
    """
    folder = path / "img" if (path / "img").is_dir() else path
    paths = [folder / name for name in pictures(folder, IMAGE_SUFFIXES)]
    home = path.parent if path.name == "img" else path
    truth = home / TRUTH_NAME
    if not lexists(truth):
        return paths, truth, None
    boxes = read_boxes(truth)
    paths = with_truth(home.name, paths, len(boxes))
    if len(boxes) > len(paths):
        raise SourceError(
            f"{truth} has {len(boxes)} lines, but {folder} only {len(paths)} pictures"
        )
    return paths, truth, boxes


class FolderSource(Source):
    """The pictures of a folder, or of its ``img`` folder; 30 frames/s unless told otherwise."""

    def __init__(self, path: Path, rate: float | None = None, loop: bool = False):
        super().__init__(str(path), rate, loop)
        self.paths, truth, boxes = read_folder(path)
        if boxes is not None:
            if 1 < len(boxes) < len(self.paths):  # one box may be there to start from
                logger.warning(
                    "%s has %d lines for %d pictures: the last %d have no truth",
                    *(truth, len(boxes), len(self.paths), len(self.paths) - len(boxes)),
                )
            boxes = absent_where_empty(boxes)
            self.truth = {i: tuple(map(float, box)) for i, box in enumerate(boxes)}
            self.truth_origin = str(truth)
        self.fps = rate or DEFAULT_FPS
        self.length = len(self.paths)

    def _read(self) -> Iterator[Frame]:
        for index, path in enumerate(self.paths):
            image = read_picture(path, levels=self.levels)
            yield Frame(round(index * 1e9 / DEFAULT_FPS), image, path.name, index)
