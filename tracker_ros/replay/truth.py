"""Truth of a recording: from a topic of the bag, a CSV file, or the command line."""

import bisect
import csv
import math
import os
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path

from ..core.errors import SourceError
from ..sources.bag.source import ABSENT, BagSource, Box

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
    topic = given
    if given is None:
        topic = _closest(source)
        if topic is None:
            return Truth({}, initial, "the command line")
    elif given not in source.recording.connections:
        if not Path(given).is_file():
            raise SourceError(f"{given} is neither a topic of {source.name} nor a CSV file")
        key, rows = read_csv(Path(given))
        if key == "frame":
            known = {place: box for place, box in rows.items() if 0 <= place < source.length}
            _tell_missing(source, given, len(rows) - len(known), len(rows))
            return Truth(known, initial, given)
        return Truth(_by_stamp(source, given, rows), initial, given)
    return Truth(_by_stamp(source, topic, source.boxes(topic)), initial, topic)


def _closest(source: BagSource) -> str | None:
    """The truth topic with the longest name in common with the images, if there is only one."""
    shared = {
        topic: len(os.path.commonpath((topic, source.topic))) for topic in source.truth_topics
    }
    best = [topic for topic, length in shared.items() if length == max(shared.values())]
    if len(best) > 1:
        source.recording.warn(
            f"{source.name}: the truth about {source.topic} may be on {' or '.join(best)};"
            " choose one with --truth"
        )
    return best[0] if len(best) == 1 else None


def _by_stamp(source: BagSource, origin: str, boxes: dict[int, Box]) -> dict[int, Box]:
    """The box of each image by its stamp, or by the nearest within half a frame's period.

    Stamps in seconds do not survive a float exactly, and some labellers' clocks tick coarsely.
    """
    near = 0.5e9 / source.fps if source.fps else 0.0
    places: dict[int, list[int]] = {}
    for index, stamp in enumerate(source.stamps):  # recordings may repeat stamps
        places.setdefault(stamp, []).append(index)
    stamps = sorted(places)
    nearest: dict[int, int] = {}  # stamp of an image -> of a box
    for stamp in boxes:
        at = bisect.bisect_left(stamps, stamp)
        image = min(stamps[max(at - 1, 0) : at + 1], key=lambda s: abs(s - stamp))
        if abs(image - stamp) <= min(near, abs(image - nearest.get(image, math.inf))):
            nearest[image] = stamp
    _tell_missing(source, origin, len(boxes) - len(nearest), len(boxes))
    return {i: boxes[stamp] for image, stamp in sorted(nearest.items()) for i in places[image]}


def _tell_missing(source: BagSource, origin: str, missing: int, count: int) -> None:
    if missing > 0:
        source.recording.warn(
            f"{source.name}: {missing} of {count} boxes of {origin} are of no image"
            f" on {source.topic}"
        )


def read_csv(path: Path) -> tuple[str, dict[int, Box]]:
    """Read boxes with a line of column names, in any order, other columns being left alone.

    x, y, w, h: pixels; all empty, NaN or 0 where the target is absent. Besides, the first there is
    of: stamp_ns: the image's header stamp in nanoseconds; stamp: the same in seconds; frame: the
    image's place in the order of stamps, from 0. Returns the name of that column and the boxes by
    stamp (ns) or place. Raises SourceError that names file and line of anything malformed.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file, skipinitialspace=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SourceError(f"{path} cannot be read: {error}") from None
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
    if w == h == 0:
        return ABSENT
    if w <= 0 or h <= 0:
        raise SourceError(f"{where} has a box without area: {w:g} x {h:g}")
    return x, y, w, h


def _number(cell: str | None, where: str) -> Decimal:
    """Exact, for nanoseconds do not fit into a float."""
    try:
        number = Decimal((cell or "").strip())
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite():
        raise SourceError(f"{where} has {cell!r} instead of a number")
    return number
