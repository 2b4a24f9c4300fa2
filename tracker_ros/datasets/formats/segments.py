"""Masks of COCO: polygons and run lengths, read from the annotation file when they are needed."""

import json
from pathlib import Path

import cv2
import numpy as np

from ...core.errors import SourceError
from ...core.io.numbers import json_numbers

MARK = ".json@"  # FILE.json@START+LENGTH,WIDTHxHEIGHT: where a segmentation lies


def segment_name(path: str, start: int, length: int, width: int, height: int) -> str:
    """The name by which ``read_segment`` finds an annotation: bytes ``start`` and on of ``path``.

    ``path`` ends in .json.
    """
    return f"{path.removesuffix('.json')}{MARK}{start}+{length},{width}x{height}"


def read_segment(folder: Path, name: str) -> np.ndarray:
    """The mask of a ``segment_name`` below ``folder``: bool [H, W]. Raises SourceError."""
    path, _, place = name.rpartition(MARK)
    path = f"{path}.json"
    where, _, size = place.partition(",")
    start, length = map(int, where.split("+"))
    width, height = map(int, size.split("x"))
    try:
        with open(folder / path, "rb") as file:
            file.seek(start)
            annotation = json.loads(file.read(length))
        return rasterise(annotation["segmentation"], height, width)
    except OSError as error:
        raise SourceError(f"{folder / path} cannot be read: {error.strerror}") from None
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, cv2.error) as error:
        raise SourceError(
            f"{folder / path}: the segmentation at byte {start} is malformed: {error!r}"
        ) from None


def rasterise(segmentation: list | dict, height: int, width: int) -> np.ndarray:
    """Polygons [[x, y, x, y, …], …] (their union) or run lengths to a mask, bool [H, W].

    Run lengths are {"size": [H, W], "counts": …}, by columns, the first of pixels outside; counts
    are a list or a string of COCO's coding. Raises ValueError, TypeError, KeyError.
    """
    if isinstance(segmentation, dict):
        return _runs(segmentation, height, width)
    mask = np.zeros((height, width), np.uint8)
    for polygon in filter(has_area, segmentation):
        points = np.array(json_numbers(polygon)).reshape(-1, 2)
        if not (np.abs(points) < 1e6).all():
            raise ValueError("a polygon with a point out of reach")
        cv2.fillPoly(mask, [np.floor(points).astype(np.int32)], 1)
    return mask > 0


def has_area(polygon: list) -> bool:
    """Whether a polygon [x, y, x, y, …] has the three points that take up an area."""
    return len(polygon) > 5


def _runs(coded: dict, height: int, width: int) -> np.ndarray:
    counts = coded["counts"]
    counts = decode_counts(counts) if isinstance(counts, str) else json_numbers(counts)
    counts = np.array(counts, np.int64)
    if list(coded["size"]) != [height, width]:
        raise ValueError(f"size {coded['size']} in a picture of {[height, width]}")
    if (counts < 0).any() or counts.sum() != height * width:
        raise ValueError(f"run lengths of {counts.sum()} pixels instead of {height * width}")
    inside = np.arange(len(counts)) % 2 > 0
    return np.repeat(inside, counts).reshape(width, height).T


def decode_counts(text: str) -> list[int]:
    """COCO's coding of run lengths: numbers of 5 bits a character, from the third on differences.

    A character is 48 + bits; bit 5 says that more follow, bit 4 of the last is the sign. From the
    fourth number on, each is the difference to the last but one.
    """
    counts: list[int] = []
    value = shift = 0
    for letter in text:
        code = ord(letter) - 48
        if not 0 <= code < 64:
            raise ValueError(f"run lengths hold {letter!r}")
        value |= (code & 31) << shift
        shift += 5
        if code & 32:
            continue
        if code & 16:
            value -= 1 << shift
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
        value = shift = 0
    if shift:
        raise ValueError("run lengths end within a number")
    return counts
