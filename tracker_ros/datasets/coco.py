"""COCO: annotations/instances_train2017.json with pictures in train2017 or images/train2017."""

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..core.errors import SourceError
from ..core.io.numbers import json_numbers
from ..sources.annotations import FARTHEST
from .formats.segments import has_area, segment_name
from .imagenet import LARGEST
from .track import Track

logger = logging.getLogger(__name__)

LARGEST_PICTURE = 2**28  # pixels; more is a mistake
_MARK = "\ufeff"  # of the order of bytes, as Windows writes it
_DECODER = json.JSONDecoder()
_blank = re.compile(r"[ \t\r\n]*").match


def read_coco(folder: Path) -> Iterator[Track]:
    """One track of one frame for each object; crowds and objects without surroundings left out.

    Files ``instances_train*.json``, or all ``instances_*.json`` where there is none. A file is
    parsed whole (some gigabytes of RAM for COCO 2017), once: later runs use the cached index.
    Masks stay in the file until they are needed. Raises SourceError naming file and annotation.
    """
    home = folder / "annotations"
    files = sorted(home.glob("instances_train*.json")) or sorted(home.glob("instances_*.json"))
    if not files:
        raise SourceError(f"{home} holds no instances_*.json")
    for path in files:
        try:
            content = _parse(path)
            images = {image["id"]: image for image, _ in content["images"]}
            labels = {category["id"]: category["name"] for category, _ in content["categories"]}
            annotations = content["annotations"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SourceError(f"{path} is no COCO annotation: {error!r}") from None
        split = path.stem.removeprefix("instances_")
        inside = f"images/{split}" if (folder / "images" / split).is_dir() else split
        orphans = 0
        for number, (item, place) in enumerate(annotations):
            try:
                if item["image_id"] not in images or item["category_id"] not in labels:
                    orphans += 1
                    continue
                image = images[item["image_id"]]
                width, height = map(int, json_numbers([image["width"], image["height"]]))
                if not 0 < width * height < LARGEST_PICTURE:
                    raise ValueError(f"a picture of {width}x{height} pixels")
                box = np.array(json_numbers(item["bbox"]))
                name, label = str(image["file_name"]), str(labels[item["category_id"]])
                if box.shape != (4,) or not (np.abs(box) <= FARTHEST).all():
                    raise ValueError(f"bbox is {item['bbox']}")
                mask = ""
                if _has_outline(item):
                    relative = path.relative_to(folder).as_posix()
                    mask = segment_name(relative, *place, width, height)
                name.encode()  # fails for what can be no file's name
                boxes = box.reshape(1, 4)
                track = Track(name, inside, [name], boxes, path, masks=[mask], label=label)
            except (KeyError, TypeError, ValueError, OverflowError) as error:
                raise SourceError(f"{path} annotation {number} is malformed: {error!r}") from None
            if not item.get("iscrowd") and box[2] * box[3] < LARGEST * width * height:
                yield track
        if orphans:
            logger.warning("%s: %d annotations are of no picture or category in it", path, orphans)


def _has_outline(item: dict) -> bool:
    """Whether there is a segmentation with an area. Raises ValueError if it is of no known kind."""
    found = item.get("segmentation")
    if isinstance(found, dict):
        if not {"counts", "size"} <= found.keys():
            raise ValueError("segmentation has no counts or no size")
        return True
    if found is None:
        return False
    if not isinstance(found, list) or not all(isinstance(part, list) for part in found):
        raise ValueError("segmentation is no list of polygons")
    if any(len(part) % 2 for part in found):
        raise ValueError("a polygon has an odd number of coordinates")
    return any(map(has_area, found))  # tools leave lines and points among polygons


def _parse(path: Path) -> dict[str, list[tuple[dict, tuple[int, int]]]]:
    """The lists of the object that a file holds; each entry with its first byte and its length.

    Raises ValueError as ``json`` does.
    """
    text = path.read_bytes().decode()
    lists: dict[str, list] = {}
    at = _expect("{", text, len(_MARK) if text.startswith(_MARK) else 0)
    while text[at : at + 1] != "}":
        key, at = _DECODER.raw_decode(text, at)
        at = _expect(":", text, at)
        if text[at : at + 1] == "[":
            lists[key], at = _entries(text, at)
        else:
            _, at = _DECODER.raw_decode(text, at)
        at = _next("}", text, at)
    return lists


def _entries(text: str, at: int) -> tuple[list[tuple[dict, tuple[int, int]]], int]:
    """The entries of the list that begins at ``at``, and where it ends."""
    found, seen, place = [], 0, 0
    at = _expect("[", text, at)
    while text[at : at + 1] != "]":
        value, end = _DECODER.raw_decode(text, at)
        place += len(text[seen:at].encode())  # characters before it may be of several bytes
        length = len(text[at:end].encode())
        found.append((value, (place, length)))
        seen, place = end, place + length
        at = _next("]", text, end)
    return found, at + 1


def _expect(sign: str, text: str, at: int) -> int:
    """Where what follows ``sign`` begins. Raises JSONDecodeError where ``sign`` is missing."""
    at = _blank(text, at).end()
    if text[at : at + 1] != sign:
        raise json.JSONDecodeError(f"Expecting {sign!r}", text, at)
    return _blank(text, at + 1).end()


def _next(end: str, text: str, at: int) -> int:
    """Where the next entry begins, or the sign ``end`` lies."""
    at = _blank(text, at).end()
    return at if text[at : at + 1] == end else _expect(",", text, at)
