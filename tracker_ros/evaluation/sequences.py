"""Sequences with truth in OTB layout: NAME/img and NAME/groundtruth_rect.txt."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tracker_ros.core.errors import SourceError
from tracker_ros.sources.folder import TRUTH_NAME, FolderSource, natural_key


class Sequence:
    """Pictures on disk and a true box for each.

    name: the folder's name. truth: float64 of shape (N, 4), x y w h in pixels, rows of NaN where
    the target is absent. Raises SourceError where pictures and truth do not match or the target
    is not visible in the first frame, from which one-pass evaluation starts.
    """

    def __init__(self, folder: Path):
        self.name = folder.name
        self._source = FolderSource(folder)
        if self._source.truth is None:
            raise SourceError(f"{folder} has no {TRUTH_NAME}")
        self.truth = np.array(list(self._source.truth.values()))
        if len(self.truth) != self._source.length:
            raise SourceError(
                f"{folder / TRUTH_NAME} has {len(self.truth)} lines for"
                f" {self._source.length} pictures"
            )
        if np.isnan(self.truth[0]).any() or (self.truth[0, 2:] <= 0).any():
            raise SourceError(f"{folder / TRUTH_NAME} line 1 holds no box to start from")

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def paths(self) -> list[Path]:
        """The files of the pictures, in order."""
        return self._source.paths

    def images(self) -> Iterator[np.ndarray]:
        """Yield the pictures in order, uint8 (height, width, 3) BGR, one in memory at a time."""
        return (frame.image for frame in self._source)


def find_sequences(folder: str | Path) -> list[Sequence]:
    """The sequence that `folder` is, or those directly inside it, in natural order."""
    folder = Path(folder).resolve()
    if not folder.is_dir():
        raise SourceError(f"{folder} is not a folder")
    if (folder / TRUTH_NAME).is_file():
        return [Sequence(folder)]
    inside = sorted((p.parent for p in folder.glob(f"*/{TRUTH_NAME}")), key=natural_key)
    if not inside:
        raise SourceError(f"{folder} holds no sequence, that is no folder with {TRUTH_NAME}")
    return [Sequence(path) for path in inside]
