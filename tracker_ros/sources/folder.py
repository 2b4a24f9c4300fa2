"""Folders of pictures, in natural order; with truth where the folder is an OTB sequence."""

import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from tracker_ros.conversions import compressed_to_bgr
from tracker_ros.core.errors import InputError, SourceError
from tracker_ros.sources.base import DEFAULT_FPS, Frame, Source

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


def read_boxes(path: Path) -> np.ndarray:
    """Read one box a line: x y w h in pixels, separated by commas, tabs or spaces.

    Returns float64 of shape (N, 4); a line of NaN means that the target is absent. Raises
    SourceError that names file and line of anything malformed.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{path} cannot be read: {error}") from None
    while lines and not lines[-1].strip():
        lines.pop()
    if not lines:
        raise SourceError(f"{path} is empty")
    return np.array([_parse_box(line, path, i) for i, line in enumerate(lines, 1)])


def _parse_box(line: str, path: Path, number: int) -> list[float]:
    where = f"{path} line {number}"
    try:
        box = [float(value) for value in re.split(r"\s*,\s*|\s+", line.strip())]
    except ValueError:
        raise SourceError(f"{where} is not four numbers: {line.strip()[:60]!r}") from None
    if len(box) != 4:
        raise SourceError(f"{where} has {len(box)} numbers instead of 4")
    if np.isnan(box).any():
        return [float("nan")] * 4
    if not np.isfinite(box).all():
        raise SourceError(f"{where} has an infinite value")
    if box[2] < 0 or box[3] < 0:
        raise SourceError(f"{where} has a negative width or height")
    return box


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
