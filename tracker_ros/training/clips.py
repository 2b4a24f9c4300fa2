"""Clips: what the sampler draws from. A still picture is a clip of one frame."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..core.boxes import Box
from ..core.errors import SourceError
from .shards import Shard, find_shards

MIN_SIDE = 10.0  # pixels: smaller objects teach noise
MAX_STILL = 160.0  # sqrt(w * h), pixels: a larger object in a still picture has no surroundings


@dataclass(frozen=True)
class View:
    """One frame: uint8 [H, W, 3] BGR, box (x, y, w, h) in its pixels, mask bool [H, W] or None."""

    image: np.ndarray
    box: Box
    mask: np.ndarray | None = None


@dataclass(frozen=True)
class Clip:
    """Frames of one target in time order: (image name, box, mask name or None) in a shard."""

    shard: Shard
    frames: tuple[tuple[str, Box, str | None], ...]

    def __len__(self) -> int:
        return len(self.frames)

    def view(self, index: int, masked: bool = False) -> View:
        """Decode one frame, with its mask only where it is asked for."""
        image, box, mask = self.frames[index]
        return View(
            self.shard.image(image), box, self.shard.mask(mask) if masked and mask else None
        )


def _usable(box: list[float]) -> bool:
    return len(box) == 4 and min(box[2:]) >= MIN_SIDE


def load_clips(folder: str | Path, kind: str) -> list[Clip]:
    """Clips of the shards of one kind (``davis``, ``video``: tracks; ``voc``: one per object).

    Raises SourceError naming shard and entry of anything malformed.
    """
    clips = []
    for path in find_shards(folder, kind):
        shard = Shard(path)
        for number, entry in enumerate(shard.entries):
            try:
                if "frames" in entry:
                    frames = [
                        (f["image"], tuple(f["box"]), f.get("mask"))
                        for f in entry["frames"]
                        if _usable(f["box"])
                    ]
                    groups = [frames]
                else:
                    groups = [
                        [(entry["image"], tuple(o["box"]), None)]
                        for o in entry["objects"]
                        if _usable(o["box"]) and o["box"][2] * o["box"][3] < MAX_STILL**2
                    ]
            except (KeyError, TypeError) as error:
                raise SourceError(
                    f"shard {path}: entry {number} is malformed: {error!r}"
                ) from error
            clips += [Clip(shard, tuple(group)) for group in groups if group]
    return clips


class Pictures:
    """Pictures without boxes (``imagenet1k`` shards): backgrounds, occluders, distractors."""

    def __init__(self, folder: str | Path, kind: str = "imagenet1k"):
        shards = [Shard(path) for path in find_shards(folder, kind)]
        self._names = [(shard, entry["image"]) for shard in shards for entry in shard.entries]

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """One picture by chance: uint8 [H, W, 3] BGR."""
        shard, name = self._names[rng.integers(len(self._names))]
        return shard.image(name)
