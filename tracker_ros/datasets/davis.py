"""DAVIS: {JPEGImages, Annotations}/480p/CLIP/00000.{jpg, png}, ImageSets/2017/train.txt."""

from collections.abc import Iterator
from os.path import isdir, lexists  # unlike Path.is_dir, of a name that is too long, too
from pathlib import Path

import numpy as np

from ..core.errors import SourceError
from ..core.geometry.boxes import Box, mask_box
from ..sources.annotations import lines, pictures
from ..sources.order import visible
from .formats.pictures import colours
from .track import Track

LISTS = ("ImageSets/2017/train.txt", "ImageSets/2016/train.txt", "ImageSets/480p/train.txt")


def read_davis(folder: Path) -> Iterator[Track]:
    """One track for each object of the training clips; boxes and masks from the annotations.

    Each colour of an annotation but black is an object. The clips are those of the first list of
    LISTS that is there, else all. Raises SourceError.
    """
    sizes = sorted(p.name for p in visible(folder.glob("Annotations/*")) if p.is_dir())
    if not sizes:
        raise SourceError(f"{folder} holds no Annotations/480p")
    size = "480p" if "480p" in sizes else sizes[0]
    for name in _names(folder, size):
        names = pictures(folder / "JPEGImages" / size / name)
        masks = [f"Annotations/{size}/{name}/{Path(image).stem}.png" for image in names]
        boxes: dict[int, np.ndarray] = {}
        for index, mask in enumerate(masks):
            for colour, box in _objects(colours(folder / mask)):
                boxes.setdefault(colour, np.zeros((len(names), 4), np.float32))[index] = box
        for colour in sorted(boxes):
            tagged = [f"{mask}#{colour:06x}" for mask in masks]
            home = f"JPEGImages/{size}/{name}"
            yield Track(name, home, names, boxes[colour], folder / masks[0], masks=tagged)


def _names(folder: Path, size: str) -> list[str]:
    for path in (folder / name for name in LISTS):
        if not lexists(path):
            continue
        found: dict[str, None] = {}  # keeps the order
        for number, line in enumerate(lines(path), 1):
            # The 2016 lists name files: /JPEGImages/480p/bear/00000.jpg /Annotations/…
            name = line.split()[0].rpartition("/")[0].rpartition("/")[2] if "/" in line else line
            if not name or not isdir(folder / "JPEGImages" / size / name):
                raise SourceError(f"{path} line {number}: there is no clip {name[:60]!r}")
            found[name] = None
        return list(found)
    clips = visible((folder / "Annotations" / size).iterdir())
    return sorted(path.name for path in clips if path.is_dir())


def _objects(pixels: np.ndarray) -> Iterator[tuple[int, Box]]:
    """Colour and box of each object in an annotation, int [H, W]."""
    for colour in np.unique(pixels):
        if colour:
            yield int(colour), mask_box(pixels == colour)
