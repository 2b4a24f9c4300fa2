"""Readers of the public sets in their published layouts, and the mixture of them to train on."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from ...core.errors import SourceError
from ...core.paths import cache_dir
from ..data.clips import Clip
from ..data.clipset import ClipSet, fingerprint
from .coco import read_coco
from .davis import LISTS, read_davis
from .folder import Folder
from .got10k import read_got10k
from .imagenet import read_det, read_vid
from .lasot import ANNOTATIONS, read_lasot
from .otb import read_otb
from .trackingnet import read_trackingnet
from .youtube_bb import read_youtube_bb


class Reader(NamedTuple):
    """A function that yields the clips of a folder, and the files whose change it would notice."""

    read: Callable[[Path], Iterator[Clip]]
    annotations: tuple[str, ...]


READERS = {
    "coco": Reader(read_coco, ("annotations/instances_*.json",)),
    "davis": Reader(read_davis, ("Annotations/*/*/*.png", *LISTS)),
    "det": Reader(read_det, ("Annotations/DET/train/**/*.xml",)),
    "got10k": Reader(
        read_got10k,
        ("list.txt", "*", "*/groundtruth.txt", "*/absence.label", "*/cover.label"),
    ),
    "lasot": Reader(read_lasot, ANNOTATIONS),
    "otb": Reader(read_otb, ("groundtruth_rect.txt", "*/groundtruth_rect.txt", "img", "*/img")),
    "trackingnet": Reader(read_trackingnet, ("TRAIN_*/anno/*.txt", "TRAIN_*/frames/*")),
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
    folder = Path(folder).resolve()
    if not folder.is_dir():
        raise SourceError(f"{folder} is not a folder ({name})")
    reader = READERS[name]
    if cache is None:
        return _read(reader, folder)
    family = f"{name}-{sha256(str(folder).encode()).hexdigest()[:8]}"
    path = cache / f"{family}-{fingerprint(folder, reader.annotations)}"
    if not path.is_dir():
        clips = _read(reader, folder)
        for old in set(cache.glob(f"{family}-*")) - {path}:
            shutil.rmtree(old, ignore_errors=True)
        clips.save(path)
    return ClipSet.load(path, [Folder(folder)])


def _read(reader: Reader, folder: Path) -> ClipSet:
    clips = ClipSet.pack(reader.read(folder))
    if not len(clips):
        raise SourceError(f"{folder} holds no clip with a target large enough to train on")
    return clips
