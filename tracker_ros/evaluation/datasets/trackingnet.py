"""TrackingNet's test part: TEST/{anno/VIDEO.txt, frames/VIDEO/0.jpg, 1.jpg …}."""

from pathlib import Path

from ...core.errors import SourceError
from ...sources.sequences import Sequence
from .files import first_box_only, pictures_of


def read_trackingnet(folder: Path) -> list[Sequence]:
    """The videos of ``TEST``, of which only the first box is known. Raises SourceError."""
    part = folder / "TEST" if (folder / "TEST").is_dir() else folder
    annotations = sorted(part.glob("anno/*.txt"))
    if not annotations:
        raise SourceError(f"{folder} holds no TEST/anno/VIDEO.txt")
    return [_read(part, path) for path in annotations]


def _read(part: Path, truth: Path) -> Sequence:
    paths = pictures_of(part / "frames" / truth.stem)
    return Sequence(truth.stem, paths, first_box_only(truth, len(paths)), truth)
