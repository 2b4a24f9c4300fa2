"""Samples of the refiner: a first look at a target, later ones, and one without it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from torch.utils.data import Dataset

from ...core.config import TrackingConfig
from ...core.errors import SourceError
from ..data.clips import Clip, Pictures, View, load_clips
from ..samples.broken import Broken
from ..samples.geometry import Rng, stretched
from .colours import Paint, another
from .looks import TargetCrop, disturbed, first_look, grey, later_look
from .occluders import covered, occluded
from .views import cut_out, loose, over, usable

QUERIES = 3  # of one reference
TRACKS = {"video": 0.5, "davis": 0.25, "video2": 0.25}  # how often each kind is drawn
STILLS = ("voc", "masks", "boxes")
GROUNDS = {"imagenet1k": 1.0, "voc": 1 / 3}  # how often a picture of each is drawn
KINDS = {"track": 0.5, "still": 0.25, "cut-out": 0.25}  # how often each is drawn
OCCLUDED = 0.35  # share of later looks with something before the target
GONE = {"covered": 0.35, "painted": 0.2, "other": 0.45}  # how a target may be absent
ALIKE = 0.6  # share of others of the same class
LOOSE = 0.6  # share of samples whose boxes do not fit their targets
GREY, PAINTED = 0.12, 0.15  # share of samples without colours, and of targets in other ones
HELD, NINTH = 9, 4  # of every nine clips the one at this place is for validation alone
OBJECT, CUT_OUT = 16.0, 28.0  # pixels of a side of an object in a picture, and of one to cut out
ATTEMPTS = 1000  # draws in a row that may yield nothing


@dataclass(frozen=True)
class RefinerSample:
    """Looks at one target: the first, ``QUERIES`` later ones, and one without it.

    Attributes:
        crops: uint8 [2 + QUERIES, S, S, 3] BGR.
        truths: float32 [2 + QUERIES, 4]; see ``TargetCrop``.
        covers: float32 [2 + QUERIES], share of the target that cannot be seen; 1: it is not there.
    """

    crops: np.ndarray
    truths: np.ndarray
    covers: np.ndarray


class RefinerSamples(Dataset):
    """Sample ``i`` is a function of (seed, i) alone; one of a broken picture is replaced.

    Args:
        folder: shards: tracks (``video``, ``davis``, ``video2``), objects in still pictures
            (``voc``, ``masks``, ``boxes``; those with masks are cut out, too), and backgrounds
            (``imagenet1k``, ``voc``). Shards that are not there are left out; without masks or
            backgrounds there are no cut-outs.
        tracking: of the model: how large windows and crops are.
        held: samples of the clips that are for validation alone.
        length: number of samples.
    Raises:
        SourceError: no such folder, or it lacks tracks, enough of them to hold some out, or objects
            in still pictures.
    """

    def __init__(
        self,
        folder: str | Path,
        tracking: TrackingConfig,
        seed: int = 0,
        held: bool = False,
        length: int = 1,
    ):
        self.tracking, self.seed, self.held, self.length = tracking, seed, held, length
        self._broken = Broken()
        self.tracks, weights = [], []
        for kind, weight in TRACKS.items():
            clips = [clip for clip in _clips(folder, kind) if len(clip) > 1]
            if clips:
                self.tracks.append(sorted(clips, key=_folder))
                weights.append(weight)
        if not self.tracks:
            raise SourceError(f"{folder} holds no shard with tracks: {', '.join(TRACKS)}")
        self.weights = _shares(weights)
        if max(map(len, self.tracks)) <= NINTH:
            raise SourceError(
                f"{folder} holds too few tracks: {NINTH + 1} of a kind are needed to hold one out"
                " for validation"
            )
        pictures: dict[tuple[int, bytes], list[Clip]] = {}
        for clip in (clip for kind in STILLS for clip in _clips(folder, kind) if len(clip) == 1):
            if usable(clip.boxes[0]) and clip.boxes[0, 2:].min() >= OBJECT:
                pictures.setdefault((id(clip.store), clip.names[0]), []).append(clip)
        self.pictures = list(pictures.values())
        if not self.pictures:
            raise SourceError(
                f"{folder} holds no shard with objects in pictures: {', '.join(STILLS)}"
            )
        self.objects = [clip for clips in self.pictures for clip in clips]
        self.masked = [
            clip
            for clip in self.objects
            if clip.masks is not None and clip.masks[0] and clip.boxes[0, 2:].min() >= CUT_OUT
        ]
        grounds = [(Pictures(folder, k), x) for k, x in GROUNDS.items() if _there(folder, k)]
        self.grounds = [pictures for pictures, _ in grounds]
        self.ground_shares = _shares([share * len(pictures) for pictures, share in grounds])
        cut = bool(self.masked and self.grounds)
        self.kinds = ["track"] if held else [k for k in KINDS if cut or k != "cut-out"]
        self.shares = _shares([KINDS[kind] for kind in self.kinds])

    def __len__(self) -> int:
        return self.length

    @property
    def replaced(self) -> int:
        """Number of samples that could not be read so far, in all worker processes."""
        return int(self._broken)

    def __getitem__(self, index: int) -> RefinerSample:
        return self._broken.replace(self._draw, self.seed, self.held, index)

    def _draw(self, rng: Rng) -> RefinerSample:
        kind = self.kinds[rng.choice(len(self.kinds), p=self.shares)]
        draw: dict[str, Callable[[Rng], list[View] | None]] = {
            "track": self._of_track,
            "still": self._of_picture,
            "cut-out": self._cut_out,
        }
        for _ in range(ATTEMPTS):
            if views := draw[kind](rng):
                return self._sample(views, rng)
        raise SourceError(f"{ATTEMPTS} draws in a row found no target of usable size ({kind})")

    def _sample(self, views: list[View], rng: Rng) -> RefinerSample:
        """Of the first view, ``QUERIES`` later ones, and one of another target."""
        first, *later, other = views
        if rng.random() < LOOSE:
            first, *later = loose([first, *later], rng)
        looks = [first_look(first, self.tracking)]
        looks += [later_look(view, self.tracking, rng) for view in later]
        if rng.random() < PAINTED:
            paint = Paint.draw(rng, everything=0)
            looks = [replace(look, crop=paint.on(look.crop, look.box)) for look in looks]
        colourless = rng.random() < GREY
        absent = self._absent(looks, other, colourless, rng)
        for i, look in enumerate(looks):
            if i and rng.random() < OCCLUDED:
                thing = cut_out(self._masked(rng)) if self.masked else None
                crop, cover = occluded(look.crop, look.box, self._ground(first, rng), thing, rng)
                looks[i] = TargetCrop(crop, look.box, cover)
        looks.append(replace(absent, cover=1.0))
        looks[1:] = [disturbed(look, rng) for look in looks[1:]]
        if colourless:
            looks = [grey(look) for look in looks]
        return RefinerSample(
            np.stack([look.crop for look in looks]),
            np.array([look.truth(self.tracking) for look in looks], np.float32),
            np.array([look.cover for look in looks], np.float32),
        )

    def _absent(
        self, looks: list[TargetCrop], other: View, colourless: bool, rng: Rng
    ) -> TargetCrop:
        """A look without the target: covered, in another colour, or at another thing."""
        kind = rng.choice(list(GONE), p=list(GONE.values()))
        look = looks[1 + rng.integers(QUERIES)]
        if kind == "painted" and not colourless:
            painted = another(look.crop, look.box, rng)
            if painted is not None:
                return replace(look, crop=painted)
        if kind == "other":
            return later_look(other, self.tracking, rng)
        crop = covered(look.crop, look.box, self._ground(other, rng), rng)
        return replace(look, crop=crop)

    def _of_track(self, rng: Rng) -> list[View] | None:
        """Frames of a clip, most of them near the reference, before it as often as after."""
        clips = self.tracks[rng.choice(len(self.tracks), p=self.weights)]
        index, stranger = (int(value) for value in rng.integers(len(clips), size=2))
        if is_held(index) != self.held:
            return None
        clip = clips[index]
        first = int(rng.integers(len(clip)))
        if not usable(clip.boxes[first]):
            return None
        chosen = [first]
        for _ in range(4 * QUERIES):
            near = rng.random() < 0.6
            gap = int(rng.geometric(0.08)) if near else int(rng.integers(1, len(clip)))
            later = first + gap if rng.random() < 0.5 else first - gap
            if 0 <= later < len(clip) and usable(clip.boxes[later]):
                chosen.append(later)
            if len(chosen) > QUERIES:
                other = clips[stranger]
                if stranger == index or is_held(stranger) != self.held:
                    other = self._like(clip, rng)
                frame = int(rng.integers(len(other)))
                if not usable(other.boxes[frame]):
                    return None
                return [*(clip.view(i) for i in chosen), other.view(frame)]
        return None

    def _of_picture(self, rng: Rng) -> list[View] | None:
        """An object in a still picture, or a part of it; later looks are stretched a little."""
        clips = self.pictures[rng.integers(len(self.pictures))]
        index = int(rng.integers(len(clips)))
        view, others = clips[index].view(0), clips[:index] + clips[index + 1 :]
        other = others[rng.integers(len(others))] if others else self._like(clips[index], rng)
        if rng.random() < 0.25:
            x, y, w, h = view.box
            wide, high = rng.uniform(0.4, 0.8, 2) * (w, h)
            left, top = x + rng.uniform(0, 1) * (w - wide), y + rng.uniform(0, 1) * (h - high)
            view = View(view.image, (left, top, wide, high))
            if not usable(view.box):
                return None
        return [view, *stretched(view, rng, QUERIES, 0.1), other.view(0)]

    def _cut_out(self, rng: Rng) -> list[View] | None:
        """An object over other pictures; later ones of another size, proportions and angle."""
        clip = self._masked(rng)
        size, ground = rng.uniform(24, 70), self._picture(rng)
        cut = cut_out(clip)
        if cut is None:
            return None
        views = [over(*cut, ground, size, (1.0, 1.0), rng.normal(0, 0.1), rng)]
        for _ in range(QUERIES):
            behind = ground if rng.random() < 0.5 else self._picture(rng)
            larger, stretch = rng.uniform(0.75, 1.3), np.exp(rng.normal(0, 0.1, 2))
            angle = rng.normal(0, 0.18)
            views.append(over(*cut, behind, size * larger, stretch, angle, rng))
        other = self._like(clip, rng)
        views.append(other.view(0))
        if (like := cut_out(other)) is not None and rng.random() < 0.7:
            views[-1] = over(*like, ground, size, (1.0, 1.0), rng.normal(0, 0.18), rng)
        seen = [view for view in views if view is not None and usable(view.box)]
        return seen if len(seen) == len(views) else None

    def _like(self, clip: Clip, rng: Rng) -> Clip:
        """An object of another picture, often of the same class."""
        same = self._classes.get(clip.label, []) if rng.random() < ALIKE else []
        among = same if len(same) > 1 else self.objects
        other = among[rng.integers(len(among))]
        return other if other is not clip else self.objects[rng.integers(len(self.objects))]

    @cached_property
    def _classes(self) -> dict[str, list[Clip]]:
        classes: dict[str, list[Clip]] = {}
        for clip in self.objects:
            if clip.label:
                classes.setdefault(clip.label, []).append(clip)
        return classes

    def _masked(self, rng: Rng) -> Clip:
        return self.masked[rng.integers(len(self.masked))]

    def _picture(self, rng: Rng) -> np.ndarray:
        return self.grounds[rng.choice(len(self.grounds), p=self.ground_shares)].draw(rng)

    def _ground(self, view: View, rng: Rng) -> np.ndarray:
        """A background, or ``view``'s picture where there is none."""
        return self._picture(rng) if self.grounds else view.image


def is_held(index: int) -> bool:
    """Whether the clip at this place among those of its kind, by name, is for validation alone."""
    return index % HELD == NINTH


def _shares(weights: list[float]) -> np.ndarray:
    return np.array(weights) / max(sum(weights), 1e-9)


def _there(folder: str | Path, kind: str) -> bool:
    if not Path(folder).is_dir():
        raise SourceError(f"{folder} is not a folder")
    return any(Path(folder).glob(f"{kind}-*.tar"))


def _clips(folder: str | Path, kind: str) -> list[Clip]:
    return load_clips(folder, kind) if _there(folder, kind) else []


def _folder(clip: Clip) -> bytes:
    """Of the clip's pictures, which is called as the clip."""
    return clip.names[0].rpartition(b"/")[0]
