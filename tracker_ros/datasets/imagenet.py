"""ImageNet VID and DET: Data/VID/train/**/*.JPEG with Annotations/VID/train/**/*.xml."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import numpy as np

from ..core.errors import SourceError, brief
from ..core.geometry.boxes import Box
from ..core.io.numbers import parse_number
from ..sources.annotations import FARTHEST
from ..sources.order import visible
from .track import Track

LARGEST = 0.3  # of a still picture's area: a larger object has no surroundings


class Item(NamedTuple):
    """An object of an annotation: its box is x, y, w, h in pixels, ``share`` of the picture."""

    label: str
    track: str | None
    occluded: bool
    box: Box
    share: float


def read_vid(folder: Path) -> Iterator[Track]:
    """One track for each object (``trackid``) of each video, without occluded frames.

    Raises SourceError.
    """
    videos = sorted(p for p in visible(folder.glob("Annotations/VID/train/*/*")) if p.is_dir())
    if not videos:
        raise SourceError(f"{folder} holds no Annotations/VID/train/PART/VIDEO")
    for video in videos:
        home = f"Data/{video.relative_to(folder / 'Annotations').as_posix()}"
        tracks: dict[str, list[tuple[str, Item]]] = {}
        for path in sorted(visible(video.glob("*.xml"))):
            for number, item in enumerate(read_objects(path), 1):
                if item.track is None:
                    raise SourceError(f"{path} object {number} has no trackid")
                if not item.occluded:
                    tracks.setdefault(item.track, []).append((path.stem, item))
        for frames in tracks.values():
            yield Track(
                video.name,
                home,
                [f"{stem}.JPEG" for stem, _ in frames],
                np.array([item.box for _, item in frames]),
                video,
                times=np.array([_number(video, stem) for stem, _ in frames]),
                label=frames[0][1].label,
            )


def read_det(folder: Path) -> Iterator[Track]:
    """One track of one frame for each object that leaves some surroundings. Raises SourceError."""
    empty = True
    for path in sorted(visible(folder.glob("Annotations/DET/train/**/*.xml"))):
        empty = False
        home = f"Data/{path.parent.relative_to(folder / 'Annotations').as_posix()}"
        for item in read_objects(path):
            if item.share < LARGEST:
                boxes = np.array([item.box])
                yield Track(path.stem, home, [f"{path.stem}.JPEG"], boxes, path, label=item.label)
    if empty:
        raise SourceError(f"{folder} holds no Annotations/DET/train/**/*.xml")


def read_objects(path: Path) -> list[Item]:
    """The objects of a PASCAL VOC annotation. Raises SourceError naming file and object."""
    try:
        root = ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError) as error:
        raise SourceError(f"{path} cannot be read: {brief(error)}") from None
    area = _value(root, "size/width", path, "") * _value(root, "size/height", path, "")
    items = []
    for number, node in enumerate(root.iter("object"), 1):
        where = f" object {number}"
        sides = ("xmin", "ymin", "xmax", "ymax")
        x0, y0, x1, y1 = (_value(node, f"bndbox/{side}", path, where) for side in sides)
        if x1 < x0 or y1 < y0:
            raise SourceError(f"{path}{where}: the box ends before it begins")
        box = (x0, y0, x1 - x0, y1 - y0)
        occluded = node.findtext("occluded", "0").strip() == "1"
        share = box[2] * box[3] / area if area > 0 else 0.0
        items.append(
            Item(node.findtext("name", ""), node.findtext("trackid"), occluded, box, share)
        )
    return items


def _value(node: ElementTree.Element, name: str, path: Path, where: str) -> float:
    text = node.findtext(name)
    try:
        value = parse_number(text or "")
    except ValueError:
        raise SourceError(f"{path}{where}: {name} is {text!r}, not a number") from None
    if not abs(value) <= FARTHEST:  # NaN too
        raise SourceError(f"{path}{where}: {name} is {text!r}, beyond any picture")
    return value


def _number(video: Path, stem: str) -> int:
    if not stem.isdecimal():
        raise SourceError(f"{video / stem}.xml: the name is not the number of a frame")
    return int(stem)
