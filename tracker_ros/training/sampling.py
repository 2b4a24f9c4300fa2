"""Draws training samples, memory frames and a query of one target, with the tracker's own crop."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from torch.utils.data import Dataset

from ..core.boxes import Box
from ..core.config import TrackingConfig
from ..core.crop import Window, crop, window_around
from . import augment
from .clips import Clip, Pictures, View, load_clips

Rng = np.random.Generator


@dataclass(frozen=True)
class SamplingConfig:
    """Where samples come from and how far apart their frames may lie."""

    weights: dict[str, float] = field(
        default_factory=lambda: {"davis": 0.2, "video": 0.35, "voc": 0.25, "paste": 0.2}
    )
    memory_frames: int = 2
    max_gap: int = 40  # frames of the shard, which keeps every 2nd to 8th of the video
    negative: float = 0.12  # share of samples whose query shows another target
    shift: float = 0.9  # target's distance from the query's centre, in units of sqrt(w * h)
    scale: float = 0.22  # standard deviation of the log scale of the query window
    occluder: float = 0.2
    distractor: float = 0.25


@dataclass(frozen=True)
class Sample:
    """Crops uint8 BGR and boxes (x, y, w, h, crop pixels) of one training sample."""

    memory: np.ndarray  # [T, M, M, 3]
    memory_boxes: np.ndarray  # float32 [T, 4]
    query: np.ndarray  # [Q, Q, 3]
    query_box: np.ndarray  # float32 [4]
    positive: bool  # False: the query shows another target


class Samples(Dataset):
    """Sample ``i`` is a function of (seed, i) alone: a resumed run sees the same data.

    Args:
        folder: holds the shards. tracking: crop geometry.
    """

    def __init__(
        self,
        folder: str | Path,
        tracking: TrackingConfig,
        config: SamplingConfig,
        seed: int = 0,
    ):
        self.tracking, self.config = tracking, config
        self.seed = seed
        self.clips = {kind: load_clips(folder, kind) for kind in ("davis", "video", "voc")}
        self.clips["davis"] = [clip for clip in self.clips["davis"] if len(clip) > 1]
        self.pictures = Pictures(folder)
        self.kinds = list(config.weights)
        total = sum(config.weights.values())
        self.shares = [config.weights[kind] / total for kind in self.kinds]

    def __getitem__(self, index: int) -> Sample:
        return self.draw(np.random.default_rng((self.seed, index)))

    def draw(self, rng: Rng) -> Sample:
        """One sample by chance."""
        kind = self.kinds[rng.choice(len(self.kinds), p=self.shares)]
        views = self._views(kind, rng)
        positive = rng.random() >= self.config.negative
        if not positive:
            views[-1] = self._views(self.kinds[rng.choice(len(self.kinds), p=self.shares)], rng)[-1]
        if rng.random() < 0.5:
            views = [_mirror(view) for view in views]
        grey = rng.random() < 0.1
        memory, boxes = [], []
        for view in views[:-1]:
            image, box = self._memory_crop(view, rng)
            memory.append(image)
            boxes.append(box)
        query, query_box = self._query_crop(views[-1], rng)
        crops = [
            augment.degrade(augment.recolour(image, rng, 0.6), rng) for image in [*memory, query]
        ]
        if grey:
            crops = [
                cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
                for image in crops
            ]
        return Sample(
            np.stack(crops[:-1]),
            np.array(boxes, np.float32),
            crops[-1],
            np.array(query_box, np.float32),
            positive,
        )

    def _views(self, kind: str, rng: Rng) -> list[View]:
        if kind == "paste":
            return self._pasted(rng)
        clips = self.clips[kind]
        clip = clips[rng.integers(len(clips))]
        return (
            _stretched(clip, rng, self.config.memory_frames + 1)
            if len(clip) == 1
            else [clip.view(index) for index in self._indices(len(clip), rng)]
        )

    def _indices(self, length: int, rng: Rng) -> list[int]:
        query = int(rng.integers(length))
        low, high = (
            max(query - self.config.max_gap, 0),
            min(query + self.config.max_gap, length - 1),
        )
        return [*rng.integers(low, high + 1, self.config.memory_frames).tolist(), query]

    def _pasted(self, rng: Rng) -> list[View]:
        """A masked object in motion over a still picture, among another object."""
        clips = self.clips["davis"]
        while True:
            clip = clips[rng.integers(len(clips))]
            side = rng.uniform(30, 90)
            parts = [
                augment.cut_out(clip.view(index, masked=True), side)
                for index in self._indices(len(clip), rng)
            ]
            other_clip = clips[rng.integers(len(clips))] if rng.random() < 0.7 else clip
            other = augment.cut_out(
                other_clip.view(int(rng.integers(len(other_clip))), masked=True),
                side * rng.uniform(0.7, 1.3),
            )
            size = 384
            picture = cv2.resize(self.pictures.draw(rng), (size, size))
            centre, drift = rng.uniform(140, size - 140, 2), rng.normal(0, 18, 2)
            angle, spin = rng.uniform(-15, 15), rng.normal(0, 8)
            views = []
            for step, part in enumerate(parts):
                if part is None:
                    break
                canvas = picture.copy()
                if other is not None:
                    away = rng.uniform(0, 2 * np.pi)
                    offset = side * rng.uniform(1.2, 2.2) * np.array([np.cos(away), np.sin(away)])
                    augment.place(canvas, *other, centre + offset, rng.uniform(-20, 20), 1.0)
                box = augment.place(
                    canvas,
                    *part,
                    centre + drift * step,
                    angle + spin * step,
                    float(np.exp(rng.normal(0, 0.08))),
                )
                if box is None:
                    break
                views.append(View(canvas, box))
            if len(views) == len(parts):
                return views

    def _memory_crop(self, view: View, rng: Rng) -> tuple[np.ndarray, Box]:
        """As the tracker crops: around a box that is a little wrong."""
        t = self.tracking
        box = _jitter(view.box, rng, 0.06, 0.08)
        window = window_around(box, t.memory_factor, t.memory_size)
        believed = _jitter(view.box, rng, 0.02, 0.03)
        return crop(view.image, window), window.to_crop(believed)

    def _query_crop(self, view: View, rng: Rng) -> tuple[np.ndarray, Box]:
        t, c = self.tracking, self.config
        x, y, w, h = view.box
        side = np.sqrt(w * h)
        # Half of the shifts small (a target that hardly moved), half anywhere in reach.
        reach = c.shift * (1.0 if rng.random() < 0.5 else 0.35)
        dx, dy = rng.uniform(-reach, reach, 2) * side
        factor = t.search_factor * float(np.exp(np.clip(rng.normal(0, c.scale), -0.5, 0.5)))
        window = window_around((x + dx, y + dy, w, h), factor, t.query_size)
        if rng.random() < 0.7:  # else the padding at the rim would tell where the target is
            window = _inside(window, view.image)
        image, box = crop(view.image, window), window.to_crop(view.box)
        if rng.random() < c.distractor:
            augment.distract(image, box, self.pictures.draw(rng), rng)
        if rng.random() < c.occluder:
            augment.occlude(image, box, self.pictures.draw(rng), rng)
        return image, box


def _inside(window: Window, image: np.ndarray) -> Window:
    """The window moved into the image along each side where it fits."""
    height, width = image.shape[:2]
    x, y = window.x, window.y
    if window.side <= width:
        x = min(max(x, 0), width - window.side)
    if window.side <= height:
        y = min(max(y, 0), height - window.side)
    return Window(x, y, window.side, window.size)


def _jitter(box: Box, rng: Rng, shift: float, scale: float) -> Box:
    x, y, w, h = box
    dx, dy = rng.normal(0, shift, 2)
    sw, sh = np.exp(rng.normal(0, scale, 2))
    cx, cy = x + w / 2 + dx * w, y + h / 2 + dy * h
    return float(cx - w * sw / 2), float(cy - h * sh / 2), float(w * sw), float(h * sh)


def _mirror(view: View) -> View:
    x, y, w, h = view.box
    return View(cv2.flip(view.image, 1), (view.image.shape[1] - x - w, y, w, h))


def _stretched(clip: Clip, rng: Rng, count: int) -> list[View]:
    """A still picture as a clip: each frame stretched in its own way."""
    view = clip.view(0)
    views = []
    for _ in range(count):
        fx, fy = np.exp(rng.normal(0, 0.08, 2))
        image = cv2.resize(view.image, None, fx=fx, fy=fy)
        x, y, w, h = view.box
        views.append(View(image, (x * fx, y * fy, w * fx, h * fy)))
    return views
