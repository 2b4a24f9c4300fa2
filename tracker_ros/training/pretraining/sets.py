"""Labelled pictures for backbone pre-training: folders of classes, tiles, crops of objects."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from ...core.errors import ParameterError, SourceError
from ...core.geometry.crop import crop, window_around
from ...sources.folder import read_picture
from ...sources.order import visible
from ..data.clips import load_clips
from ..data.clipset import ClipSet
from ..data.public import READERS, open_set
from ..data.shards import Shard, find_shards
from ..records.checkpoint import writing

TILES, CROPS = "tiny", "voc"  # kinds of shards with labels
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
CONTEXT = 1.2  # side of an object's crop in units of sqrt(w * h)


class LabelledSet(Protocol):
    """N pictures with a class each: ``classes`` are names, ``labels`` int64 [N] index them."""

    name: str
    classes: list[str]
    labels: np.ndarray

    def picture(self, index: int, size: int) -> np.ndarray:
        """Decode one picture: uint8 [size, size, 3] BGR. Raises SourceError naming it."""


class ImageFolder:
    """FOLDER/CLASS/picture; pictures are decoded when they are asked for.

    Raises SourceError naming a class without pictures.
    """

    def __init__(self, folder: Path):
        self.name, self._folder = folder.name, folder
        self.classes = sorted(p.name for p in visible(Path(folder).iterdir()) if p.is_dir())
        names, counts = [], []
        for label in self.classes:
            found = sorted(
                entry.name
                for entry in os.scandir(folder / label)
                if entry.name.lower().endswith(SUFFIXES)
            )
            if not found:
                raise SourceError(f"{folder / label} holds no picture of its class")
            names += found
            counts.append(len(found))
        # Arrays, not lists: a worker process that counts references would copy those.
        self._names = np.array([os.fsencode(name) for name in names], np.bytes_)
        self.labels = np.repeat(np.arange(len(counts)), counts)

    def picture(self, index: int, size: int) -> np.ndarray:
        """The middle square of the picture."""
        name = os.fsdecode(self._names[index])
        image = read_picture(self._folder / self.classes[self.labels[index]] / name)
        height, width = image.shape[:2]
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        return _resized(image[top : top + side, left : left + side], size)


class Tiles:
    """The tiles of the ``tiny-*`` shards, unpacked into the file ``unpacked``, which is mapped."""

    name = TILES

    def __init__(self, folder: Path, unpacked: Path):
        shards = [Shard(path) for path in find_shards(folder, TILES)]
        labels, side = [], 0
        for shard in shards:
            for number, entry in enumerate(shard.entries):
                try:
                    labels += [str(item["label"]) for item in entry["tiles"]]
                    side = side or int(entry["tile"])
                except (KeyError, TypeError, ValueError) as error:
                    raise SourceError(
                        f"shard {shard.path}: entry {number} is malformed: {error!r}"
                    ) from None
        if not labels:
            raise SourceError(f"{folder} holds no tile in {TILES}-*.tar")
        self._path, self._shape = unpacked, (len(labels), side, side, 3)
        with writing(unpacked):
            unpacked.parent.mkdir(parents=True, exist_ok=True)
            with open(unpacked, "wb") as file:  # a full disk would kill who writes to a mapping
                os.posix_fallocate(file.fileno(), 0, int(np.prod(self._shape)))
        pixels = np.memmap(unpacked, np.uint8, "r+", shape=self._shape)
        row = 0
        for shard in shards:
            for number, entry in enumerate(shard.entries):
                tiles = _cut_tiles(shard, number, entry, side)
                pixels[row : row + len(tiles)] = tiles
                row += len(tiles)
        pixels.flush()
        self._map()
        self.classes, indices = np.unique(labels, return_inverse=True)
        self.classes, self.labels = self.classes.tolist(), indices.astype(np.int64)

    def _map(self) -> None:
        self._pixels = np.memmap(self._path, np.uint8, "r", shape=self._shape)

    def picture(self, index: int, size: int) -> np.ndarray:
        """The whole tile."""
        return _resized(np.asarray(self._pixels[index]), size)

    def __getstate__(self) -> dict:  # worker processes map the file instead of copying it
        return {name: value for name, value in vars(self).items() if name != "_pixels"}

    def __setstate__(self, state: dict) -> None:
        vars(self).update(state)
        self._map()


class Crops:
    """Objects with some surroundings, cut from pictures; one frame, the middle one, of a track."""

    def __init__(self, name: str, clips: ClipSet):
        self.name, self._clips = name, clips
        classes = [label.decode() for label in clips.columns["classes"]]
        labels = clips.columns["labels"].astype(np.int64)
        nameless = classes.index("") if "" in classes else -1
        self._rows = np.flatnonzero(labels != nameless)
        self.classes = [label for label in classes if label]
        self.labels = np.array([self.classes.index(c) if c else -1 for c in classes], np.int64)[
            labels[self._rows]
        ]

    def picture(self, index: int, size: int) -> np.ndarray:
        """A square of CONTEXT around the object."""
        clip = self._clips[int(self._rows[index])]
        view = clip.view(len(clip) // 2, detail=size)
        return crop(view.image, window_around(view.box, CONTEXT, size))


def _cut_tiles(shard: Shard, number: int, entry: dict, side: int) -> np.ndarray:
    mosaic, columns = shard.image(entry["mosaic"]), int(entry["columns"])
    tiles = []
    for index in range(len(entry["tiles"])):
        row, column = divmod(index, columns)
        tile = mosaic[row * side : (row + 1) * side, column * side : (column + 1) * side]
        if tile.shape != (side, side, 3):
            raise SourceError(
                f"shard {shard.path}: entry {number} has no tile {index} of {side} pixels"
            )
        tiles.append(tile)
    return np.stack(tiles)


def _resized(image: np.ndarray, size: int) -> np.ndarray:
    if image.shape[0] == size:
        return image
    method = cv2.INTER_AREA if image.shape[0] > size else cv2.INTER_LINEAR
    return cv2.resize(image, (size, size), interpolation=method)


def open_labelled(
    data: Sequence[str | Path], unpacked: Path, cache: Path | None = None
) -> list[LabelledSet]:
    """Open what ``data`` names: FOLDER/CLASS/pictures, a folder of shards, or NAME:FOLDER.

    Of a folder of shards, the labelled kinds that are there are used: ``tiny`` and ``voc``. NAME is
    one of these two, or a reader of ``datasets`` that knows classes. Tiles are unpacked into files
    whose names begin as ``unpacked``.

    Raises ParameterError, or SourceError: a missing folder, an empty class, fewer than two classes.
    """
    sets: list[LabelledSet] = []
    for text in map(str, data):
        name, _, rest = text.partition(":")
        if rest and name in (TILES, CROPS, *READERS):
            kinds, folder = [name], Path(rest)
        else:
            folder = Path(text)
            kinds = [kind for kind in (TILES, CROPS) if any(folder.glob(f"{kind}-*.tar"))]
        if not folder.is_dir():
            raise ParameterError(
                f"data {text!r} is no folder and no NAME:FOLDER with a NAME of "
                f"{', '.join([TILES, CROPS, *READERS])}"
            )
        for kind in kinds:
            if kind == TILES:
                sets.append(Tiles(folder, unpacked.with_name(f"{unpacked.name}{len(sets)}")))
            elif kind == CROPS:
                clips = load_clips(folder, CROPS, largest=np.inf)
                sets.append(Crops(CROPS, ClipSet.pack(clips)))
            else:
                sets.append(Crops(kind, open_set(kind, folder, cache)))
        if not kinds:
            sets.append(ImageFolder(folder))
        if len(sets[-1].classes) < 2:
            raise SourceError(
                f"{folder} holds {len(sets[-1].classes) or 'no'} class"
                f"{'' if sets[-1].classes else 'es'}; a classifier needs two at least"
            )
    return sets
