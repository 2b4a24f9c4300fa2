"""OTB: NAME/{img/0001.jpg …, groundtruth_rect.txt}; a file for each target where it has several."""

from collections.abc import Iterator
from pathlib import Path

from ..core.errors import SourceError
from ..sources.annotations import pictures, read_boxes
from ..sources.folder import IMAGE_SUFFIXES, with_truth
from ..sources.order import in_order, visible
from .formats.text import flagged
from .track import Track

# In the order of the toolkit's anno/att/NAME.txt.
ATTRIBUTES = (
    "illumination variation, out-of-plane rotation, scale variation, occlusion, deformation, "
    "motion blur, fast motion, in-plane rotation, out of view, background clutter, low resolution"
)


def read_otb(folder: Path) -> Iterator[Track]:
    """All sequences of ``folder``, or the one that it is; NAME.1, NAME.2 for several targets.

    Files that are empty, as one of Human4's, hold no target. Attributes are read from
    ``anno/att/NAME.txt`` where the toolkit's folder ``anno`` is beside the sequences. Raises
    SourceError.
    """
    homes = {path.parent for path in folder.glob("*/groundtruth_rect*.txt")}
    for home in [folder] if any(_truths(folder)) else in_order(homes):
        filled = [path for path in _truths(home) if path.stat().st_size]
        if not filled:
            raise SourceError(f"{_truths(home)[0]} is empty")
        for number, truth in enumerate(filled, 1):
            name = home.name if len(filled) == 1 else f"{home.name}.{number}"
            boxes = read_boxes(truth)
            names = with_truth(home.name, pictures(home / "img", IMAGE_SUFFIXES), len(boxes))
            below = (home / "img").relative_to(folder).as_posix()
            yield Track(name, below, names, boxes, truth, attributes=_attributes(folder, name))


def _truths(home: Path) -> list[Path]:
    return in_order(home.glob("groundtruth_rect*.txt"))


def _attributes(folder: Path, name: str) -> tuple[str, ...]:
    # The toolkit's names: carDark for CarDark, jogging-1 for the first target of Jogging.
    files = {path.stem.lower(): path for path in visible((folder / "anno" / "att").glob("*.txt"))}
    return flagged(files.get(name.lower().replace(".", "-"), files.get(name.lower())), ATTRIBUTES)
