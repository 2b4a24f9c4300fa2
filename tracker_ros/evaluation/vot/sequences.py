"""Sequences in VOT layout: list.txt, NAME/groundtruth.txt, NAME/color, NAME/occlusion.tag, ..."""

from functools import cached_property
from os.path import lexists
from pathlib import Path

import numpy as np

from ...core.errors import SourceError
from ...core.io.levels import Levels
from ...core.io.paths import real
from ...sources.annotations import lines, listed
from ...sources.folder import FolderSource, read_picture
from ...sources.order import visible
from .regions import bounding_box, read_regions

TRUTH_NAME = "groundtruth.txt"
LIST_NAME = "list.txt"


class VotSequence:
    """Pictures, a region for each, and what VOT says about each frame.

    name: the folder's name. paths: the pictures, in order. regions: for each frame a rectangle or
    a polygon (``regions``). boxes: float64 [N, 4], the upright rectangles around the regions.
    tags: for each tag a bool array [N], as "occlusion" or "camera_motion".
    Raises SourceError where pictures, truth and tags do not match.
    """

    def __init__(self, folder: Path):
        self.name = folder.name
        self._levels = Levels()
        truth = folder / TRUTH_NAME
        self.regions = read_regions(truth)
        # The oldest sets keep their pictures beside the truth.
        self.paths = FolderSource(folder / "color" if (folder / "color").is_dir() else folder).paths
        if len(self.regions) != len(self.paths):
            raise SourceError(
                f"{truth} has {len(self.regions)} lines for {len(self.paths)} pictures"
            )
        self.boxes = np.array([bounding_box(region) for region in self.regions])
        files = sorted(p for p in visible(folder.iterdir()) if p.suffix in (".tag", ".label"))
        self.tags = {p.stem: _read_tag(p, len(self)) for p in files}

    def __len__(self) -> int:
        return len(self.paths)

    def image(self, frame: int) -> np.ndarray:
        """The picture of ``frame``, uint8 [H, W, 3] BGR. Raises SourceError if damaged."""
        if frame and self._levels.range is None:
            self.image(0)  # all passes see the same, wherever they start again
        return read_picture(self.paths[frame], levels=self._levels)

    @cached_property
    def size(self) -> tuple[int, int]:
        """Width and height of the first picture."""
        height, width = self.image(0).shape[:2]
        return width, height


def find_vot_sequences(folder: str | Path) -> list[VotSequence]:
    """The sequences that list.txt in ``folder`` names; without it all inside, or ``folder`` itself.

    Raises SourceError.
    """
    folder = real(folder)
    if not folder.is_dir():
        raise SourceError(f"{folder} is not a folder")
    if lexists(folder / TRUTH_NAME):
        return [VotSequence(folder)]
    return [VotSequence(folder / name) for name in listed(folder, LIST_NAME, f"*/{TRUTH_NAME}")]


def _read_tag(path: Path, frames: int) -> np.ndarray:
    """One line a frame, "1" where the tag holds; a shorter file says 0 for the rest."""
    values = lines(path)
    if len(values) > frames:
        raise SourceError(f"{path} has {len(values)} lines for {frames} frames")
    for i, value in enumerate(values, 1):
        if value not in ("0", "1"):
            raise SourceError(f"{path} line {i} is neither 0 nor 1: {value[:60]!r}")
    return np.array([*values, *"0" * (frames - len(values))]) == "1"
