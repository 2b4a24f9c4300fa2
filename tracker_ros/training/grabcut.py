"""Masks of boxed objects in still pictures, by GrabCut (Rother et al., SIGGRAPH 2004)."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from ..core.boxes import Box
from ..core.errors import SourceError
from ..evaluation.metrics import iou
from .clips import Clip, View, load_clips, mask_box

KIND = "cutouts"  # of the shards that are written
MARGIN = 0.35  # of the box's sides: what GrabCut sees around it
WORK = 96.0  # √(w·h) of the object while it is cut, pixels
ROUNDS = 4
SMALLEST = 24.0  # √(w·h), pixels
# A mask is believed that fills its box as objects do and reaches to its sides.
FILLS = (0.3, 0.92)
REACHES = 0.8  # overlap of the mask's own box with the box


def cut(view: View) -> View | None:
    """The object of a view with its mask, cut down to the box and a little more.

    None where GrabCut finds nothing that looks like an object, or the picture cuts the object off.
    """
    height, width = view.image.shape[:2]
    x, y, w, h = view.box
    if np.sqrt(w * h) < SMALLEST or min(x, y) < 2 or x + w > width - 2 or y + h > height - 2:
        return None
    left, top = max(int(x - MARGIN * w), 0), max(int(y - MARGIN * h), 0)
    right, bottom = min(int(x + w * (1 + MARGIN)), width), min(int(y + h * (1 + MARGIN)), height)
    region = view.image[top:bottom, left:right]
    box = (x - left, y - top, w, h)
    mask = _mask(region, box)
    found = mask_box(mask)
    if found is None:
        return None
    fill = mask.sum() / (w * h)
    if not FILLS[0] <= fill <= FILLS[1] or iou([found], [box])[0] < REACHES:
        return None
    return View(region, found, mask)


def _mask(region: np.ndarray, box: Box) -> np.ndarray:
    """The largest piece of what GrabCut takes for the object: bool [h, w], perhaps empty."""
    scale = min(1.0, WORK / np.sqrt(box[2] * box[3]))
    small = cv2.resize(region, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    labels = np.zeros(small.shape[:2], np.uint8)
    rectangle = tuple(round(value * scale) for value in box)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(0)
    cv2.grabCut(small, labels, rectangle, *models, ROUNDS, cv2.GC_INIT_WITH_RECT)
    front = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    _, pieces, facts, _ = cv2.connectedComponentsWithStats(front)
    sizes = facts[1:, cv2.CC_STAT_AREA]  # without the background's
    largest = 1 + int(np.argmax(sizes)) if len(sizes) else -1
    mask = (pieces == largest).astype(np.uint8) * 255
    return cv2.resize(mask, region.shape[1::-1], interpolation=cv2.INTER_LINEAR) > 127


def write_cutouts(
    data: str | Path,
    kind: str,
    target: str | Path,
    on_clip: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[int, int]:
    """Cut every object out of the shards of one kind of stills into one shard with masks.

    Returns how many were cut out, and of how many. Raises SourceError where there are no shards,
    or none of their objects can be cut out.
    """
    clips = load_clips(data, kind)
    entries, target = [], Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    with tarfile.open(part, "w") as tar:
        for number, clip in enumerate(clips):
            if (view := cut(clip.view(0))) is not None:
                entries.append(_entry(tar, f"{number:06}", clip, view))
            on_clip(number + 1, len(clips))
        _add(tar, "index.json", json.dumps(entries).encode())
    if not entries:
        part.unlink()
        raise SourceError(f"no object of the {kind} shards of {data} can be cut out")
    part.replace(target)
    return len(entries), len(clips)


def _entry(tar: tarfile.TarFile, name: str, clip: Clip, view: View) -> dict:
    """Add picture and mask to the shard; what its index says of them."""
    names = {"image": f"{name}.jpg", "mask": f"{name}.png"}
    quality = [cv2.IMWRITE_JPEG_QUALITY, 95]
    _add(tar, names["image"], cv2.imencode(".jpg", view.image, quality)[1].tobytes())
    _add(tar, names["mask"], cv2.imencode(".png", view.mask.astype(np.uint8) * 255)[1].tobytes())
    return {"clip": name, "label": clip.label, "frames": [names | {"box": list(view.box)}]}


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))
