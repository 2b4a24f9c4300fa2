"""The mixture of sets to train on, and how often each is drawn."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...core.errors import ParameterError, SourceError
from ...core.io.numbers import parse_number
from ..config import WEIGHT, SamplingConfig
from .clips import Pictures, load_clips
from .clipset import ClipSet
from .public import LARGE_ENOUGH, READERS, open_set

SHARDS = "shards"
PASTE = "paste"  # not a set: cut-outs of the sets with masks over other pictures
logger = logging.getLogger(__name__)


class Spec(NamedTuple):
    """One set: name of its reader, its folder, how often it is drawn in relation to the others."""

    reader: str
    folder: Path
    weight: float | None = None  # None: not given


def parse_spec(text: str | Path) -> Spec:
    """NAME:FOLDER[:WEIGHT] with NAME in READERS or ``shards``; a bare FOLDER holds shards.

    Raises ParameterError.
    """
    name, _, rest = str(text).partition(":")
    if name not in (*READERS, SHARDS) or not rest:
        if rest and not Path(text).is_dir():
            raise ParameterError(
                f"data {text!r} is no folder and no NAME:FOLDER[:WEIGHT] with a NAME of "
                f"{', '.join([*READERS, SHARDS])}"
            )
        return Spec(SHARDS, Path(text), 1.0)
    folder, _, last = rest.rpartition(":")
    try:
        weight = parse_number(last)
    except ValueError:
        folder, weight = rest, None
    if not folder:  # a folder whose name is a number
        folder, weight = rest, None
    if weight is not None and not 0 < weight <= WEIGHT:
        raise ParameterError(
            f"data {text!r}: the weight {last} is not a number above 0 and up to {WEIGHT}"
        )
    return Spec(name, Path(folder), weight)


def _specs(data: str | Path | Sequence[str | Path]) -> list[Spec]:
    return [parse_spec(text) for text in ([data] if isinstance(data, str | Path) else data)]


def idle(
    data: str | Path | Sequence[str | Path], config: SamplingConfig
) -> Iterator[tuple[str, str]]:
    """Fields of ``config`` that have no effect on such data, each with the reason.

    Raises ParameterError as ``parse_spec``.
    """
    specs = _specs(data)
    shards = any(spec.reader == SHARDS for spec in specs)
    sets = any(spec.reader != SHARDS for spec in specs)
    if not shards:
        yield "weights", "it weighs shards, and there are none; sets take NAME:FOLDER:WEIGHT"
    if strange := set(config.ratios) - {spec.reader for spec in specs if spec.weight is None}:
        yield "ratios", f"no set {min(strange)} is given without a weight of its own"
    if not sets:
        yield "pasted", "there are shards alone, of which --weights paste=X are pasted"
    if not ((sets and config.pasted) or (shards and config.weights.get(PASTE))):
        yield "paste_motion", "nothing is pasted"


class ClipPictures:
    """Frames of the sets as backgrounds, where there are no pictures for it."""

    def __init__(self, sets: Sequence[ClipSet]):
        self._sets = sets

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """One frame by chance: uint8 [H, W, 3] BGR."""
        clips = self._sets[rng.integers(len(self._sets))]
        clip = clips[int(rng.integers(len(clips)))]
        return clip.view(int(rng.integers(len(clip))), detail=64).image


class Mixture(NamedTuple):
    """``sets`` by name; ``weights`` of them and of PASTE; ``pictures`` with a ``draw(rng)``."""

    sets: dict[str, ClipSet]
    weights: dict[str, float]
    pictures: Pictures | ClipPictures


def open_mixture(
    data: str | Path | Sequence[str | Path],
    weights: dict[str, float],
    cache: Path | None = None,
    ratios: dict[str, float] | None = None,
    paste: float = 0.5,
) -> Mixture:
    """Open the sets of ``data``: a folder of shards, or a sequence of what ``parse_spec`` takes.

    ``weights`` are those of the kinds of shards (``davis``, ``video``, ``voc``) and of PASTE.
    A set with masks gives the share ``paste`` of its weight to PASTE. ``ratios`` are the weights,
    by reader, of sets that are given without one.

    Raises ParameterError or SourceError.
    """
    sets: dict[str, ClipSet] = {}
    shares: dict[str, float] = {}
    pictures = None
    for spec in _specs(data):
        weight = (ratios or {}).get(spec.reader, 1.0) if spec.weight is None else spec.weight
        if spec.reader == SHARDS:
            for kind in (kind for kind in weights if kind != PASTE):
                name = _free(kind, sets)
                sets[name] = _shards(spec.folder, kind)
                shares[name] = weight * weights[kind]
            shares[PASTE] = shares.get(PASTE, 0.0) + weight * weights.get(PASTE, 0.0)
            pictures = pictures or Pictures(spec.folder)
            continue
        name = _free(spec.reader, sets)
        sets[name] = open_set(spec.reader, spec.folder, cache)
        pasted = paste * weight if sets[name].masked else 0.0
        shares[name] = weight - pasted
        shares[PASTE] = shares.get(PASTE, 0.0) + pasted
    if not any(clips.masked for clips in sets.values()) and shares.pop(PASTE, 0.0):
        logger.warning("nothing is pasted: none of these data has masks")
    total = sum(shares.values())
    if not total > 0:
        raise ParameterError("there is nothing to train on: no data, or weights of 0")
    return Mixture(
        sets,
        {name: share / total for name, share in shares.items() if share},
        pictures or ClipPictures(list(sets.values())),
    )


def _shards(folder: Path, kind: str) -> ClipSet:
    clips = load_clips(folder, kind)
    # Where there are tracks, a lone frame of one shows no motion.
    tracks = [clip for clip in clips if len(clip) > 1]
    packed = ClipSet.pack(tracks if kind == "davis" else clips)
    if not len(packed):
        raise SourceError(f"{folder} holds no clip in {kind}-*.tar {LARGE_ENOUGH}")
    return packed


def _free(name: str, taken: dict) -> str:
    number = 1 + sum(other == name or other.startswith(f"{name}-") for other in taken)
    return name if number == 1 else f"{name}-{number}"
