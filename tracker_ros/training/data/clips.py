"""Clips: what the sampler draws from. A still picture is a clip of one frame."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ...core.errors import SourceError
from ...core.geometry.boxes import Box
from ...core.io.numbers import json_numbers
from ...datasets.formats.pictures import Folder
from ...sources.annotations import FARTHEST
from .shards import Shard, find_shards

MIN_SIDE = 10.0  # pixels: smaller objects teach noise
SHARD_STEP = 2.5  # video frames between frames of a shard, which keeps every 2nd to 8th


Store = Folder | Shard  # where pictures lie


@dataclass(frozen=True)
class View:
    """One frame: uint8 [H, W, 3] BGR, box (x, y, w, h) in its pixels, mask bool [H, W] or None."""

    image: np.ndarray
    box: Box
    mask: np.ndarray | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """Visible frames of one target in time order, N of them; arrays keep it small.

    Attributes:
        names: bytes [N], pictures in ``store`` below ``folder``.
        boxes: float32 [N, 4], x, y, w, h in pixels.
        times: float32 [N], in frames of the video.
        masks: bytes [N], names of masks in ``store``, empty where there is none; or None.
        label: class of the target, or empty.
    """

    store: Store
    names: np.ndarray
    boxes: np.ndarray
    times: np.ndarray
    masks: np.ndarray | None = None
    folder: str = ""
    label: str = ""

    def __len__(self) -> int:
        return len(self.boxes)

    def view(self, index: int, masked: bool = False, detail: float = np.inf) -> View:
        """Decode one frame, with its mask only where it is asked for.

        The picture may be decoded at 1/2, 1/4 or 1/8 of its size (much faster), as long as √(w·h)
        of the target stays at least ``detail`` pixels. Raises SourceError naming what is damaged.
        """
        name, box = os.fsdecode(self.names[index]), self.boxes[index]
        path = f"{self.folder}/{name}" if self.folder else name
        side = float(np.sqrt(box[2] * box[3]))
        shrink = max((s for s in (1, 2, 4, 8) if side >= s * detail), default=1)
        image, mask = self.store.image(path, shrink), None
        ends, size = box[:2] + box[2:], shrink * np.array(image.shape[1::-1])
        if (ends <= 0).any() or (box[:2] >= size).any():
            raise SourceError(f"{self.store.path}: the box of {path} lies outside of its picture")
        if masked and self.masks is not None and self.masks[index]:
            mask = self.store.mask(os.fsdecode(self.masks[index]))
            rest = np.array(mask.shape) - shrink * np.array(image.shape[:2])
            if (np.abs(rest) >= shrink).any():
                raise SourceError(
                    f"the mask {os.fsdecode(self.masks[index])} of {path} has another size: "
                    f"{mask.shape[1]}x{mask.shape[0]} pixels"
                )
            if shrink > 1:
                small = cv2.resize(mask.astype(np.uint8) * 255, image.shape[1::-1])
                mask = small > 127
        return View(image, tuple(map(float, box / shrink)), mask)


def make_clip(
    store: Store,
    names: Iterable[str],
    boxes: np.ndarray,
    *,
    times: np.ndarray | None = None,
    masks: Iterable[str] | None = None,
    keep: np.ndarray | None = None,
    folder: str = "",
    label: str = "",
) -> Clip:
    """A clip of the frames whose box has at least MIN_SIDE pixels a side and that ``keep`` keeps.

    ``times`` are the positions in ``names`` unless given. The clip may turn out empty.
    """
    boxes = np.asarray(boxes).reshape(-1, 4)
    good = (np.abs(boxes) <= FARTHEST).all(1) & (boxes[:, 2:] >= MIN_SIDE).all(1)
    if keep is not None:
        good &= keep
    times = np.arange(len(boxes)) if times is None else times
    return Clip(
        store,
        _as_bytes(names)[good],
        boxes[good].astype(np.float32),
        np.asarray(times, np.float32)[good],
        None if masks is None else _as_bytes(masks)[good],
        folder,
        label,
    )


def _as_bytes(names: Iterable[str]) -> np.ndarray:
    return np.array([os.fsencode(name) for name in names], np.bytes_)


def load_clips(folder: str | Path, kind: str) -> list[Clip]:
    """Clips of the shards of one kind (``davis``, ``video``: tracks; ``voc``: one per object).

    Objects of still pictures keep their masks; one that fills its picture still has parts.

    Raises SourceError naming shard and entry of anything malformed.
    """
    clips = []
    for path in find_shards(folder, kind):
        shard = Shard(path)
        for number, entry in enumerate(shard.entries):
            try:
                clips += [_track(shard, entry)] if "frames" in entry else _objects(shard, entry)
            except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
                raise SourceError(
                    f"shard {path}: entry {number} is malformed: {error!r}"
                ) from error
    return [clip for clip in clips if len(clip)]


def _track(shard: Shard, entry: dict) -> Clip:
    frames = [f for f in entry["frames"] if min(_box(f)[2:]) >= MIN_SIDE]
    masks = [f.get("mask") or "" for f in frames]
    return make_clip(
        shard,
        [f["image"] for f in frames],
        np.array([_box(f) for f in frames]),
        times=np.arange(len(frames)) * SHARD_STEP,
        masks=masks if any(masks) else None,
    )


def _objects(shard: Shard, entry: dict) -> list[Clip]:
    return [
        make_clip(
            shard,
            [entry["image"]],
            np.array([_box(item)]),
            masks=[item["mask"]] if item.get("mask") else None,
            label=item.get("label", "").removesuffix("</name>"),  # some writer left the tag
        )
        for item in entry["objects"]
    ]


def _box(item: dict) -> list[float]:
    """Four numbers; NaN where the entry holds another number of them, as for an absent target."""
    if not isinstance(item["box"], list):
        raise TypeError(f"box is {item['box']!r}")
    values = json_numbers(item["box"])
    return values if len(values) == 4 else [float("nan")] * 4


class Pictures:
    """Pictures without boxes (``imagenet1k`` shards): backgrounds, occluders, distractors."""

    def __init__(self, folder: str | Path, kind: str = "imagenet1k"):
        self._names = []
        for shard in map(Shard, find_shards(folder, kind)):
            for number, entry in enumerate(shard.entries):
                if not isinstance(entry.get("image"), str):
                    raise SourceError(f"shard {shard.path}: entry {number} names no image")
                self._names.append((shard, entry["image"]))
        if not self._names:
            raise SourceError(f"{folder} holds no picture in {kind}-*.tar")

    def __len__(self) -> int:
        return len(self._names)

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """One picture by chance: uint8 [H, W, 3] BGR."""
        shard, name = self._names[rng.integers(len(self._names))]
        return shard.image(name)
