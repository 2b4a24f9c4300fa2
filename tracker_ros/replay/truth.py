"""Truth of a recording: from a topic of the bag, a CSV file, or the command line."""

import csv
import math
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path

from ..core.errors import SourceError, brief
from ..core.geometry.boxes import ABSENT, Box
from ..sources.bag.source import BagSource
from ..sources.bag.truth import read_boxes

BOX_COLUMNS = ("x", "y", "w", "h")
KEY_COLUMNS = ("stamp_ns", "stamp", "frame")
FARTHEST = 2**63  # of all stamps and places; decimals may be of any size


@dataclass(frozen=True)
class Truth:
    """boxes: (x, y, w, h) in pixels by the frame's index, NaN where the target is absent; frames
    without an entry are not known about. initial: the box to start on in the first frame; None: the
    first of ``boxes``. origin: where all this is from, in words.
    """

    boxes: dict[int, Box] = field(default_factory=dict)
    initial: Box | None = None
    origin: str = "nowhere"

    @property
    def known(self) -> bool:
        """Whether there is anything to score against."""
        return any(not math.isnan(box[0]) for box in self.boxes.values())

    def start(self, index: int) -> Box | None:
        """The box to start on, if that is possible in this frame."""
        box = self.initial or self.boxes.get(index, ABSENT)
        return None if math.isnan(box[0]) else box


def find_truth(source: BagSource, given: str | None, initial: Box | None) -> Truth:
    """The truth about ``source`` by the stamps of its images.

    given: a Detection2DArray topic of the bag, or a CSV file as ``read_csv`` has it; None: the
    bag's own topic, if only one fits. initial: as in ``Truth``. Raises SourceError for what is not
    there.
    """
    origin = given or source.truth_topic
    if origin is None:
        return Truth({}, initial, "the command line")
    if origin in source.recording.connections:
        return Truth(source.by_stamp(read_boxes(source.recording, origin), origin), initial, origin)
    if not Path(origin).is_file():
        raise SourceError(f"{origin} is neither a topic of {source.name} nor a CSV file")
    key, rows = read_csv(Path(origin))
    if key == "frame":
        known = {place: box for place, box in rows.items() if 0 <= place < source.length}
        source.warn_of_missing(origin, len(rows) - len(known), len(rows))
        return Truth(known, initial, origin)
    return Truth(source.by_stamp(rows, origin), initial, origin)


def read_csv(path: Path) -> tuple[str, dict[int, Box]]:
    """Read boxes with a line of column names, in any order, other columns being left alone.

    x, y, w, h: pixels; all empty or NaN, or without area, where the target is absent. Besides, the
    first there is of: stamp_ns: the image's header stamp in nanoseconds; stamp: the same in
    seconds; frame: the image's place in the order of stamps, from 0. Returns the name of that
    column and the boxes by stamp (ns) or place. Raises SourceError that names file and line of
    anything malformed.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file, skipinitialspace=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SourceError(f"{path} cannot be read: {brief(error)}") from None
    columns = rows[0].keys() if rows else ()
    key = next((name for name in KEY_COLUMNS if name in columns), None)
    missing = [name for name in BOX_COLUMNS if name not in columns]
    if key is None or missing:
        needed = f"{', '.join(BOX_COLUMNS)} and one of {', '.join(KEY_COLUMNS)}"
        raise SourceError(f"{path} must have a line of column names, among them {needed}")
    boxes: dict[int, Box] = {}
    for line, row in enumerate(rows, 2):
        where = f"{path} line {line}"
        place, box = _place(row[key], key, where), _box(row, where)
        if boxes.setdefault(place, box) != box:
            raise SourceError(f"{where} has another box for the {key} {row[key]} of a line before")
    return key, boxes


def _place(cell: str | None, key: str, where: str) -> int:
    number = _number(cell, where)
    if number.copy_abs() > FARTHEST:
        raise SourceError(f"{where} has {cell} for a {key}, which is too much")
    if key != "stamp" and number != number.to_integral_value():
        raise SourceError(f"{where} has {cell} for a {key}, which is no whole number")
    return int(number * (10**9 if key == "stamp" else 1))


def _box(row: dict[str, str | None], where: str) -> Box:
    cells = [row[name] for name in BOX_COLUMNS]
    if all((cell or "").strip().lower() in ("", "nan") for cell in cells):
        return ABSENT
    x, y, w, h = (float(_number(cell, where)) for cell in cells)
    if not all(map(math.isfinite, (x, y, w, h))):
        raise SourceError(f"{where} has a number that is too large")
    if w < 0 or h < 0:
        raise SourceError(f"{where} has a negative width or height")
    return (x, y, w, h) if w and h else ABSENT  # as everywhere: no area, no target


def _number(cell: str | None, where: str) -> Decimal:
    """Exact, for nanoseconds do not fit into a float."""
    try:
        number = Decimal((cell or "").strip())
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite():
        raise SourceError(f"{where} has {cell!r} instead of a number")
    return number
