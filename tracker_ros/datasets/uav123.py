"""UAV123: anno/UAV123/NAME.txt, data_seq/UAV123/FOLDER/000001.jpg, and configSeqs.m."""

import re
from collections.abc import Iterator
from os.path import isfile  # unlike Path.is_file, of a name that is too long, too
from pathlib import Path

from ..core.errors import SourceError
from ..sources.annotations import lines, read_boxes
from ..sources.order import in_order
from .formats.text import flagged
from .track import Track

CONFIG = "configSeqs.m"
NAMES = ("UAV123", "UAV123_10fps")
STRUCT = re.compile(
    # The path is a text, or one put together: [dataSet '\group3\'].
    r"'name','(?P<name>\w+)','path',(?:\[\s*\w+[\s,]*)?'[^']*?(?P<folder>\w+)[\\/]*'(?:\s*\])?"
    r",'startFrame',(?P<first>\d+),'endFrame',(?P<last>\d+)"
)
# In the order of anno/UAV123/att/NAME.txt.
ATTRIBUTES = (
    "scale variation, aspect ratio change, low resolution, fast motion, full occlusion, "
    "partial occlusion, out of view, background clutter, illumination variation, "
    "viewpoint change, camera motion, similar object"
)


def read_uav123(folder: Path) -> Iterator[Track]:
    """The sequences that have a file in ``anno/UAV123``, cut out as ``configSeqs.m`` says.

    Rows of NaN, where the target is hidden or out of view, have no truth. UAV123@10fps
    (``UAV123_10fps``) has the same layout. Raises SourceError.
    """
    parts = [p for p in (folder / "anno" / name for name in NAMES) if p.is_dir()]
    if not parts:
        raise SourceError(f"{folder} holds no anno/{NAMES[0]}")
    annotations = in_order(parts[0].glob("*.txt"))
    ranges = _ranges(folder / CONFIG, parts[0].name)
    for path in annotations:
        if path.stem not in ranges:
            raise SourceError(f"{folder / CONFIG} has no sequence {path.stem!r} as {path}")
    for path in annotations:
        yield _read(folder, path, *ranges[path.stem])


def _read(folder: Path, truth: Path, home: str, numbers: range) -> Track:
    home = folder / "data_seq" / truth.parent.name / home
    names = []
    for number in numbers:  # which may be of any length
        names.append(f"{number:06}.jpg")
        if not isfile(home / names[-1]):
            raise SourceError(
                f"{home / names[-1]} is missing, which {CONFIG} counts to {truth.stem!r}"
            )
    attributes = flagged(truth.parent / "att" / truth.name, ATTRIBUTES)
    below = home.relative_to(folder).as_posix()
    return Track(truth.stem, below, names, read_boxes(truth), truth, attributes=attributes)


def _ranges(path: Path, part: str) -> dict[str, tuple[str, range]]:
    """Each sequence's folder, which several may share, and the numbers of its pictures there.

    They are in the block ``seqUAV123 = {struct('name','bike1','path','…\\bike1\\', …"""
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
                found[m["name"]] = m["folder"], range(int(m["first"]), int(m["last"]) + 1)
    if not found:
        raise SourceError(f"{path} has no block seq{part}")
    return found
