"""Folders of pictures, in natural order; with truth where the folder is an OTB sequence."""

import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from ..conversions import compressed_to_bgr
from ..core.errors import InputError, SourceError
from .annotations import read_boxes
from .base import DEFAULT_FPS, Frame, Source

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


def natural_key(path: Path) -> list:
    """Sort key under which frame2 comes before frame10."""
    parts = re.split(r"([0-9]+)", path.name)
    return [int(part) if i % 2 else part for i, part in enumerate(parts)]


def read_picture(path: Path) -> np.ndarray:
    """Decode `path` to uint8 (height, width, 3) BGR; raises SourceError if damaged."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from None
    try:
        return compressed_to_bgr(SimpleNamespace(data=data, format=path.suffix[1:]))
    except InputError as error:
        raise SourceError(f"{path} cannot be read: {error}") from None


class FolderSource(Source):
    """The pictures of a folder, or of its `img` folder; 30 frames/s unless told otherwise."""

    def __init__(self, path: Path, rate: float | None = None, loop: bool = False):
        super().__init__(str(path), rate, loop)
        folder = path / "img" if (path / "img").is_dir() else path
        try:
            self.paths = sorted(
                (p for p in folder.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES),
                key=natural_key,
            )
        except OSError as error:
            raise SourceError(f"{folder} cannot be read: {error.strerror}") from None
        if not self.paths:
            raise SourceError(f"{folder} holds no pictures ({' '.join(IMAGE_SUFFIXES)})")
        home = path.parent if path.name == "img" else path
        truth = home / TRUTH_NAME
        if truth.is_file():
            boxes = read_boxes(truth)
            first, last = OTB_RANGES.get(home.name, (1, None))
            if len(self.paths) > len(boxes):
                self.paths = self.paths[first - 1 : last]
            if len(boxes) > len(self.paths):
                raise SourceError(
                    f"{truth} has {len(boxes)} lines, but {folder} only {len(self.paths)} pictures"
                )
            self.truth = {i: tuple(map(float, box)) for i, box in enumerate(boxes)}
        self.fps = rate or DEFAULT_FPS
        self.length = len(self.paths)

    def _read(self) -> Iterator[Frame]:
        for index, path in enumerate(self.paths):
            yield Frame(round(index * 1e9 / DEFAULT_FPS), read_picture(path), path.name, index)
