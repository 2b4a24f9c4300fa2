"""The public sets to train on: clips of their tracks, and an index of them that is kept."""

import os
import shutil
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...core.errors import SourceError
from ...core.io.paths import cache_dir, real
from ...datasets import got10k, lasot, trackingnet
from ...datasets.coco import read_coco
from ...datasets.davis import LISTS, read_davis
from ...datasets.formats.pictures import Folder
from ...datasets.imagenet import read_det, read_vid
from ...datasets.otb import read_otb
from ...datasets.track import Track
from ...datasets.youtube_bb import read_youtube_bb
from .clips import Clip, make_clip
from .clipset import ClipSet, fingerprint

LARGE_ENOUGH = "with a target large enough to train on"


class Reader(NamedTuple):
    """A function that yields the tracks of a folder, and the files whose change it would notice."""

    read: Callable[[Path], Iterator[Track]]
    annotations: tuple[str, ...]


READERS = {
    "coco": Reader(read_coco, ("annotations/instances_*.json",)),
    "davis": Reader(read_davis, ("Annotations/*/*/*.png", *LISTS)),
    "det": Reader(read_det, ("Annotations/DET/train/**/*.xml",)),
    "got10k": Reader(
        got10k.read_training,
        ("list.txt", "*", "*/groundtruth.txt", "*/absence.label", "*/cover.label"),
    ),
    "lasot": Reader(
        lasot.read_training,
        (
            *(lasot.TRAINING, lasot.TESTING),
            *(
                f"{home}/{name}"
                for home in ("*", "*/*")
                for name in ("img", "groundtruth.txt", "full_occlusion.txt", "out_of_view.txt")
            ),
        ),
    ),
    "otb": Reader(read_otb, ("groundtruth_rect*.txt", "*/groundtruth_rect*.txt", "img", "*/img")),
    "trackingnet": Reader(trackingnet.read_training, ("TRAIN_*/anno/*.txt", "TRAIN_*/frames/*")),
    "vid": Reader(read_vid, ("Annotations/VID/train/*/*/*.xml",)),
    "youtube_bb": Reader(read_youtube_bb, ("*.csv", "*/*")),
}


def default_cache() -> Path:
    """Where indices of sets are kept unless told otherwise."""
    return cache_dir() / "clips"


def open_set(name: str, folder: str | Path, cache: Path | None = None) -> ClipSet:
    """The clips of a set, read through the reader ``name`` or mapped from an index in ``cache``.

    The first reading of a large set takes minutes and writes the index; it is read again when one
    of its annotation files has changed. ``cache`` None: read, keep in RAM.

    Raises SourceError naming file and line of anything malformed, or if no clip is left.
    """
    folder = real(folder)
    if not folder.is_dir():
        raise SourceError(f"{folder} is not a folder ({name})")
    reader = READERS[name]
    if cache is None:
        return _read(reader, folder)
    family = f"{name}-{sha256(os.fsencode(folder)).hexdigest()[:8]}"
    path = cache / f"{family}-{fingerprint(folder, reader.annotations)}"
    if not path.is_dir():
        clips = _read(reader, folder)
        for old in set(cache.glob(f"{family}-*")) - {path}:
            shutil.rmtree(old, ignore_errors=True)
        clips.save(path)
    return ClipSet.load(path, [Folder(folder)])


def _read(reader: Reader, folder: Path) -> ClipSet:
    store = Folder(folder)
    clips = ClipSet.pack(_clip(store, track) for track in reader.read(folder))
    if not len(clips):
        raise SourceError(f"{folder} holds no clip {LARGE_ENOUGH}")
    return clips


def _clip(store: Folder, track: Track) -> Clip:
    """The frames of a track that show its target."""
    if len(track.boxes) != len(track.pictures):
        raise SourceError(
            f"{track.origin} has {len(track.boxes)} lines for {len(track.pictures)} pictures"
        )
    keep = np.ones(len(track.boxes), bool)
    if track.absent is not None:
        keep &= ~track.absent
    if track.cover is not None:
        keep &= track.cover > 0
    about = {name: getattr(track, name) for name in ("times", "masks", "folder", "label")}
    return make_clip(store, track.pictures, track.boxes, keep=keep, **about)
