"""YouTube-BB: yt_bb_detection_train.csv with pictures in a folder of the same name.

Columns, without a header: youtube_id, timestamp_ms, class_id, class_name, object_id,
object_presence (present or absent), xmin, xmax, ymin, ymax (shares of the picture's sides).
Pictures: CLASS_ID/YOUTUBEID_TIMESTAMP_CLASSID_OBJECTID.jpg, as the usual downloader writes them.
"""

import csv
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import numpy as np

from ..core.errors import SourceError, brief
from ..core.io.numbers import parse_number
from ..sources.annotations import pictures
from ..sources.folder import read_picture
from ..sources.order import visible
from .track import Track

RATE = 30 / 1000  # video frames a millisecond


def read_youtube_bb(folder: Path) -> Iterator[Track]:
    """One track for each segment (video, class, object), without frames marked absent.

    Frames without a picture are left out: many of the videos are gone. Raises SourceError.
    """
    files = sorted(visible(folder.glob("*.csv")))
    if not files:
        raise SourceError(f"{folder} holds no CSV file")
    for path in files:
        home = folder / path.stem
        there = {  # a set of names, as asking the disk for each of millions would take hours
            part.name: set(pictures(part)) for part in visible(home.glob("*")) if part.is_dir()
        }
        for (video, part, _), rows in groupby(_rows(path), key=lambda row: row[0]):
            known = there.get(part, ())
            frames = sorted(row[1:] for row in rows if row[2] in known)
            if not frames:
                continue
            inside = f"{path.stem}/{part}"
            height, width = read_picture(home / part / frames[0][1]).shape[:2]
            times, names, boxes, labels = zip(*frames, strict=True)
            sides = np.array(boxes) * (width, height, width, height)
            about = {"times": np.array(times), "label": labels[0]}
            yield Track(video, inside, names, sides, path, **about)


def _rows(path: Path) -> Iterator[tuple]:
    """Segment, time, name of the picture, box (shares of the sides), label of visible rows."""
    try:
        with open(path, newline="", encoding="utf-8", errors="replace") as file:
            for number, row in enumerate(csv.reader(file), 1):
                if found := _parse(row, f"{path} line {number}"):
                    yield found
    except (OSError, csv.Error) as error:
        raise SourceError(f"{path} cannot be read: {brief(error)}") from None


def _parse(row: list[str], where: str) -> tuple | None:
    if len(row) != 10:
        raise SourceError(f"{where} has {len(row)} columns instead of 10")
    video, time, part, label, target, presence = row[:6]
    if presence not in ("present", "absent"):
        raise SourceError(f"{where}: object_presence is {presence!r}")
    if presence == "absent":
        return None
    try:
        x0, x1, y0, y1 = map(parse_number, row[6:])
        when = parse_number(time) * RATE
    except ValueError as error:
        raise SourceError(f"{where} is malformed: {error}") from None
    if not (0 <= x0 <= x1 <= 1 and 0 <= y0 <= y1 <= 1 and when >= 0):
        raise SourceError(f"{where}: {row[6:]} is no box in shares of the sides")
    name = f"{video}_{time}_{part}_{target}.jpg"
    return (video, part, target), when, name, (x0, y0, x1 - x0, y1 - y0), label
