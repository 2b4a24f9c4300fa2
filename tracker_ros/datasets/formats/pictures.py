"""Pictures and masks in plain folders."""

from pathlib import Path

import numpy as np

from ...sources.folder import read_picture
from .segments import MARK, read_segment


class Folder:
    """Pictures below a folder, named by their relative path; each is read when it is asked for.

    A mask's name may end in ``#RRGGBB``: then only the pixels of that colour belong to the object.
    It may also be a ``segment_name``: then it is drawn from an annotation.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)

    def image(self, name: str, shrink: int = 1) -> np.ndarray:
        """Decode a picture to 1/``shrink`` (1, 2, 4, 8) of its sides: uint8 [H, W, 3], BGR."""
        return read_picture(self.path / name, shrink)

    def mask(self, name: str) -> np.ndarray:
        """Decode a mask: bool [H, W]."""
        if MARK in name:
            return read_segment(self.path, name)
        name, _, colour = name.partition("#")
        pixels = colours(self.path / name)
        return pixels == int(colour, 16) if colour else pixels > 0


def colours(path: Path) -> np.ndarray:
    """The colour 0xRRGGBB of each pixel: int32 [H, W]."""
    return read_picture(path).astype(np.int32) @ np.array([1, 1 << 8, 1 << 16], np.int32)
