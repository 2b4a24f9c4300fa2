"""Draws training samples, memory frames and queries of one target, with the tracker's own crop."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from torch.utils.data import Dataset

from ...core.config import TrackingConfig
from ...core.geometry.boxes import Box, scaled
from ...core.geometry.crop import Window, crop, window_around
from ..config import SamplingConfig
from ..data.clips import Clip, View
from ..data.clipset import ClipSet
from ..data.mixture import PASTE, open_mixture
from . import augment
from .broken import ATTEMPTS, Broken
from .frame_choice import choose_frames
from .geometry import Rng, inside, jitter, look, mirror, part_of, printed_window, stretched, turn
from .pasting import Collage

DRIFT = 0.2  # standard deviation of the log size of a box that drifted away
ZOOM = (-0.05, 0.3)  # reach of the log size of windows
KIN = 4  # views of another of the target's class, at least as many as there are queries

Sides = tuple[float, float]  # factors on width and height
Crop = tuple[np.ndarray, Box]  # and the target's box in it


class Sample(NamedTuple):
    """Crops uint8 BGR and boxes (x, y, w, h, crop pixels) of one training sample."""

    memory: np.ndarray  # [T, M, M, 3]
    memory_boxes: np.ndarray  # float32 [T, 4]
    queries: np.ndarray  # [K, Q, Q, 3]
    query_boxes: np.ndarray  # float32 [K, 4]
    positive: bool  # False: the queries show another target
    source: str = ""  # name of the set


class Drawn(NamedTuple):
    """Views of one target, the last of them for the queries, and the clip they come from."""

    kind: str
    clips: ClipSet
    index: int
    views: list[View]


class Samples(Dataset):
    """Sample ``i`` is a function of (seed, i) alone: a resumed run sees the same data.

    A sample whose picture cannot be decoded is reported on stderr, counted in ``replaced`` and
    replaced by another; after ATTEMPTS of them in a row the SourceError goes on.

    Args:
        data: a folder of shards, or sets as NAME:FOLDER[:WEIGHT] (see ``datasets``).
        tracking: crop geometry. cache: folder for indices of sets, None for none.
    Raises:
        SourceError, ParameterError: as ``open_mixture``.
    """

    def __init__(
        self,
        data: str | Path | Sequence[str | Path],
        tracking: TrackingConfig,
        config: SamplingConfig,
        seed: int = 0,
        cache: Path | None = None,
    ):
        self.tracking, self.config = tracking, config
        self.seed = seed
        self.clips, weights, self.pictures = open_mixture(
            data, config.weights, cache, config.ratios, config.pasted
        )
        self.kinds, self.shares = list(weights), list(weights.values())
        # The largest a target gets in a crop, in pixels: more resolution is not worth decoding.
        self._detail = 1.7 * tracking.target_side
        self._collage = Collage([c for c in self.clips.values() if c.masked], self.pictures)
        self._broken = Broken()

    @property
    def replaced(self) -> int:
        """Number of samples that could not be read so far, in all worker processes."""
        return int(self._broken)

    def __getitem__(self, index: int) -> Sample:
        return self._broken.replace(self.draw, self.seed, index)

    def draw(self, rng: Rng) -> Sample:
        """One sample by chance."""
        drawn = query = self._draw(rng)
        if rng.random() < self.config.negative:
            query = self._another(drawn, rng)
        count = self.config.memory_frames
        views = [*drawn.views[:count], *query.views[-self.config.query_frames :]]
        if rng.random() < self.config.mirrored:
            views = [mirror(view) for view in views]
        grey = rng.random() < self.config.grey
        drift = zoom = (1.0, 1.0)
        if rng.random() < self.config.drift:
            drift = tuple(np.exp(rng.normal(0, DRIFT) + rng.normal(0, DRIFT / 2, 2)))
        if rng.random() < self.config.zoom:
            zoom = (float(np.exp(rng.uniform(*ZOOM))),) * 2
        both = (drift[0] * zoom[0], drift[1] * zoom[1])
        crops, boxes = [], []
        for number, view in enumerate(views):
            if number < count:
                # The first is the frame that the target was given in.
                image, box = self._memory_crop(view, rng, (1.0, 1.0) if not number else drift, zoom)
            else:
                image, box = self._query_crop(view, query, rng, grey, both)
            crops.append(image)
            boxes.append(box)
        crops = [
            augment.degrade(
                augment.recolour(part, rng, self.config.colour), rng, self.config.degraded
            )
            for part in crops
        ]
        if rng.random() < self.config.low_light:
            crops = augment.darken(crops, rng)
        if grey:
            crops = [augment.grey(part) for part in crops]
        return Sample(
            np.stack(crops[:count]),
            np.array(boxes[:count], np.float32),
            np.stack(crops[count:]),
            np.array(boxes[count:], np.float32),
            query is drawn,
            drawn.kind,
        )

    def _draw(self, rng: Rng, other_than: Drawn | None = None) -> Drawn | None:
        """Views of a target; None if it is that of ``other_than``, else then of queries alone."""
        kind = self.kinds[rng.choice(len(self.kinds), p=self.shares)]
        memory = self.config.memory_frames
        if kind == PASTE:
            moving = rng.random() < self.config.paste_motion
            drawn = Drawn(kind, *self._collage.draw(self._order, moving, rng))
            return None if _same(drawn, other_than) else drawn
        clips = self.clips[kind]
        index = int(rng.integers(len(clips)))
        if _same(Drawn(kind, clips, index, []), other_than):
            return None
        clip = clips[index]
        # Only turning and doubling a query need its mask, which costs time to decode.
        masked = self.config.rotation + self.config.look_alike > 0
        if len(clip) == 1:
            return Drawn(kind, clips, index, self._still(clip, masked, rng))
        views = [
            clip.view(i, masked and number >= memory, self._detail)
            for number, i in enumerate(self._order(clip, rng))
            if number >= memory or other_than is None
        ]
        return Drawn(kind, clips, index, views)

    def _still(self, clip: Clip, masked: bool, rng: Rng) -> list[View]:
        """Views of a still picture's object, or of a part of the picture: all show the same."""
        view = clip.view(0, masked, self._detail)
        _, _, w, h = view.box
        # An object that fills its picture leaves nothing to tell it from.
        large = w * h > 0.3 * view.image.shape[0] * view.image.shape[1]
        if self.config.parts and (large or rng.random() < self.config.parts):
            view = part_of(view, rng)
        # The papers show a still picture as it is, several times.
        strength = 0.08 if self.config.crops == "tracked" else 0.0
        count = self.config.memory_frames + self.config.query_frames
        return stretched(view, rng, count, strength)

    def _another(self, drawn: Drawn, rng: Rng) -> Drawn:
        """Another target, often of the same class; the same one if there is no other."""
        if drawn.kind != PASTE and rng.random() < self.config.kin:
            kin = drawn.clips.peers(drawn.index)
            for index in rng.choice(kin, min(len(kin), ATTEMPTS)).tolist():
                clip = drawn.clips[index]
                # One in the same picture would show the target too.
                if len(clip) == 1 and clip.names[0] != drawn.clips[drawn.index].names[0]:
                    views = stretched(clip.view(0, True, self._detail), rng, KIN)
                    return Drawn(drawn.kind, drawn.clips, index, views)
        others = (self._draw(rng, drawn) for _ in range(ATTEMPTS))
        return next((other for other in others if other is not None), drawn)

    def _order(self, clip: Clip, rng: Rng) -> list[int]:
        c = self.config
        return choose_frames(
            clip.times, c.memory_frames, c.max_gap, c.causal, rng, c.query_frames, c.adjacent
        )

    def _memory_crop(self, view: View, rng: Rng, drift: Sides, zoom: Sides) -> Crop:
        """As the tracker crops: around a box that is a little wrong; or as a paper does.

        ``drift``: factors on width and height by which the box is wrong besides. ``zoom``: on the
        sides of the window.
        """
        t = self.tracking
        if self.config.crops != "tracked":
            window = printed_window(
                view.box, t.memory_factor, t.memory_size, self.config, rng, True
            )
            return crop(view.image, window), window.to_crop(view.box)
        wrong = scaled(view.box, *drift)
        box = scaled(jitter(wrong, rng, 0.06, 0.08), *zoom)
        window = window_around(box, t.memory_factor, t.memory_size)
        believed = jitter(wrong, rng, 0.02, 0.03)
        return crop(view.image, window), window.to_crop(believed)

    def _query_crop(self, view: View, drawn: Drawn, rng: Rng, grey: bool, drift: Sides) -> Crop:
        """``drift``: factors on the sides of the box that the tracker believes in."""
        t, c = self.tracking, self.config
        if c.crops != "tracked":
            window = printed_window(view.box, t.search_factor, t.query_size, c, rng)
            return self._look(view, window, drawn, rng, grey)
        x, y, w, h = view.box
        side = np.sqrt(w * h)
        # Half of the shifts small (a target that hardly moved), half anywhere in reach.
        reach = c.shift * (1.0 if rng.random() < 0.5 else 0.35)
        dx, dy = rng.uniform(-reach, reach, 2) * side
        factor = t.search_factor * float(np.exp(np.clip(rng.normal(0, c.scale), -0.5, 0.5)))
        window = window_around(scaled((x + dx, y + dy, w, h), *drift), factor, t.query_size)
        if rng.random() < 0.7:  # else the padding at the rim would tell where the target is
            window = inside(window, view.image)
        return self._look(view, window, drawn, rng, grey)

    def _look(self, view: View, window: Window, drawn: Drawn, rng: Rng, grey: bool) -> Crop:
        """A query crop through a window, and what may happen to it."""
        c = self.config
        if drawn.kind != PASTE and rng.random() < c.rotation:  # what is pasted is turned already
            seen = turn(view, window, rng.uniform(-c.angle, c.angle))
        else:
            seen = look(view, window)
        image, box = seen.image, seen.box
        if rng.random() < c.look_alike:
            model = self._model(seen, drawn, rng)
            if model is not seen or not grey:  # only colours tell the target's own double from it
                augment.add_look_alike(image, box, model, model is seen, rng)
        if rng.random() < c.distractor:
            augment.distract(image, box, self.pictures.draw(rng), rng)
        if rng.random() < c.occluder:
            augment.occlude(image, box, self.pictures.draw(rng), rng)
        return image, box

    def _model(self, seen: View, drawn: Drawn, rng: Rng) -> View:
        """What a look-alike is cut from: the target, or another of its class if there is one."""
        peers = drawn.clips.peers(drawn.index)
        if len(peers) == 0 or rng.random() < 0.5:
            return seen
        clip = drawn.clips[int(rng.choice(peers))]
        return clip.view(int(rng.integers(len(clip))), masked=True)


def _same(one: Drawn, other: Drawn | None) -> bool:
    """Whether both show the same target."""
    return other is not None and (one.clips, one.index) == (other.clips, other.index)
