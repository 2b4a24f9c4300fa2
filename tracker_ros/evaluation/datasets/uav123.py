"""UAV123: anno/UAV123/NAME.txt, data_seq/UAV123/FOLDER/000001.jpg, and configSeqs.m."""

import re
from pathlib import Path
from typing import NamedTuple

from ...core.errors import SourceError
from ...sources.annotations import lines, read_boxes
from ...sources.folder import natural_key
from ...sources.sequences import Sequence
from .files import flagged

CONFIG = "configSeqs.m"
NAMES = ("UAV123", "UAV123_10fps")
STRUCT = re.compile(
    r"'name','(?P<name>\w+)','path','[^']*?(?P<folder>\w+)[\\/]*'"
    r",'startFrame',(?P<first>\d+),'endFrame',(?P<last>\d+)"
)
# In the order of anno/UAV123/att/NAME.txt.
ATTRIBUTES = (
    "scale variation",
    "aspect ratio change",
    "low resolution",
    "fast motion",
    "full occlusion",
    "partial occlusion",
    "out of view",
    "background clutter",
    "illumination variation",
    "viewpoint change",
    "camera motion",
    "similar object",
)


class Range(NamedTuple):
    """A sequence is the pictures `first` to `last` of a folder, which several may share."""

    folder: str
    first: int
    last: int


def read_uav123(folder: Path) -> list[Sequence]:
    """The sequences that have a file in ``anno/UAV123``, cut out as ``configSeqs.m`` says.

    Rows of NaN, where the target is hidden or out of view, have no truth. UAV123@10fps
    (``UAV123_10fps``) has the same layout. Raises SourceError.
    """
    parts = [p for p in (folder / "anno" / name for name in NAMES) if p.is_dir()]
    if not parts:
        raise SourceError(f"{folder} holds no anno/{NAMES[0]}")
    annotations = sorted(parts[0].glob("*.txt"), key=natural_key)
    ranges = _ranges(folder / CONFIG, parts[0].name)
    for path in annotations:
        if path.stem not in ranges:
            raise SourceError(f"{folder / CONFIG} has no sequence {path.stem!r} as {path}")
    return [_read(folder, path, ranges[path.stem]) for path in annotations]


def _read(folder: Path, truth: Path, cut: Range) -> Sequence:
    home = folder / "data_seq" / truth.parent.name / cut.folder
    paths = [home / f"{number:06}.jpg" for number in range(cut.first, cut.last + 1)]
    missing = next((path for path in paths if not path.is_file()), None)
    if missing is not None:
        raise SourceError(f"{missing} is missing, which {CONFIG} counts to {truth.stem!r}")
    attributes = flagged(truth.parent / "att" / truth.name, ATTRIBUTES)
    return Sequence(truth.stem, paths, read_boxes(truth), truth, attributes)


def _ranges(path: Path, part: str) -> dict[str, Range]:
    """The ranges in the block ``seqUAV123 = {struct('name','bike1','path','…\\bike1\\', …"""
    found = {}
    inside = False
    for number, line in enumerate(lines(path), 1):
        if start := re.match(r"(seq\w+)\s*=\s*\{", line):
            inside = start[1] == f"seq{part}"
        if inside and "'name'" in line:
            matches = list(STRUCT.finditer(line))
            if len(matches) != line.count("'name'"):
                raise SourceError(f"{path} line {number} is not a sequence with its frames")
            for m in matches:
                found[m["name"]] = Range(m["folder"], int(m["first"]), int(m["last"]))
    if not found:
        raise SourceError(f"{path} has no block seq{part}")
    return found
