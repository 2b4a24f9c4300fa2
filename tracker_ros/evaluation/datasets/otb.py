"""OTB: NAME/{img/0001.jpg …, groundtruth_rect.txt}; a file for each target where it has several."""

from pathlib import Path

from ...core.errors import SourceError
from ...sources.annotations import read_boxes
from ...sources.folder import OTB_RANGES, natural_key
from ...sources.sequences import Sequence
from .files import flagged, pictures_of

# In the order of the toolkit's anno/att/NAME.txt.
ATTRIBUTES = (
    "illumination variation",
    "out-of-plane rotation",
    "scale variation",
    "occlusion",
    "deformation",
    "motion blur",
    "fast motion",
    "in-plane rotation",
    "out of view",
    "background clutter",
    "low resolution",
)


def read_otb(folder: Path) -> list[Sequence]:
    """All sequences of `folder`; NAME.1 and NAME.2 where NAME has two files of truth.

    Files that are empty, as one of Human4's, hold no target. Attributes are read from
    ``anno/att/NAME.txt`` where the toolkit's folder ``anno`` is beside the sequences. Raises
    SourceError.
    """
    sequences = []
    for home in sorted({p.parent for p in folder.glob("*/groundtruth_rect*.txt")}, key=natural_key):
        files = sorted(home.glob("groundtruth_rect*.txt"), key=natural_key)
        filled = [path for path in files if path.stat().st_size]
        if not filled:
            raise SourceError(f"{files[0]} is empty")
        for number, path in enumerate(filled, 1):
            name = home.name if len(filled) == 1 else f"{home.name}.{number}"
            boxes = read_boxes(path)
            paths = pictures_of(home / "img")
            if len(paths) > len(boxes):
                first, last = OTB_RANGES.get(home.name, (1, None))
                paths = paths[first - 1 : last]
            flags = folder / "anno" / "att"
            found = (
                p for p in (flags / f"{name}.txt", flags / f"{name.lower()}.txt") if p.is_file()
            )
            attributes = flagged(next(found, None), ATTRIBUTES)
            sequences.append(Sequence(name, paths, boxes, path, attributes))
    return sequences
