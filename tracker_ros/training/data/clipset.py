"""Many clips in few arrays, in files that are mapped, not read: millions of frames, no RAM."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from ...core.errors import SourceError, brief
from .clips import Clip, Store

FORMAT = 1  # of the files; a change makes all readers run again
COLUMNS = ("names", "boxes", "times", "masks", "starts", "folders", "stores", "labels", "classes")


class ClipSet(Sequence[Clip]):
    """Clips packed into columns: one row a frame (F rows), one a clip (C rows) or one a class.

    Columns: names bytes [F], boxes float32 [F, 4], times float32 [F], masks bytes [F] (or [0]),
    starts int64 [C + 1] (rows of clip i: starts[i] to starts[i + 1]), folders bytes [C],
    stores int16 [C] (index into ``stores``), labels int32 [C] (index into classes),
    classes bytes [K].
    """

    def __init__(self, stores: Sequence[Store], columns: dict[str, np.ndarray]):
        self.stores, self.columns = tuple(stores), columns

    @classmethod
    def pack(cls, clips: Iterable[Clip]) -> ClipSet:
        """Pack clips; empty ones are left out."""
        kept = [clip for clip in clips if len(clip)]
        stores = list({id(clip.store): clip.store for clip in kept}.values())
        place = {id(store): index for index, store in enumerate(stores)}
        classes, labels = np.unique(
            [clip.label.encode(errors="replace") for clip in kept], return_inverse=True
        )
        masked = any(clip.masks is not None for clip in kept)
        none = np.empty(0, np.bytes_)
        columns = {
            "names": _join([clip.names for clip in kept], np.bytes_),
            "boxes": _join([clip.boxes for clip in kept], np.float32).reshape(-1, 4),
            "times": _join([clip.times for clip in kept], np.float32),
            "masks": none if not masked else _join([_masks(clip) for clip in kept], np.bytes_),
            "starts": np.cumsum([0, *(len(clip) for clip in kept)]),
            "folders": np.array([os.fsencode(clip.folder) for clip in kept], np.bytes_),
            "stores": np.array([place[id(clip.store)] for clip in kept], np.int16),
            "labels": labels.astype(np.int32).reshape(-1),
            "classes": np.asarray(classes, np.bytes_),
        }
        return cls(stores, columns)

    def __len__(self) -> int:
        return len(self.columns["stores"])

    def __getitem__(self, index: int) -> Clip:
        c = self.columns
        if not 0 <= index < len(self):
            raise IndexError(index)
        rows = slice(*c["starts"][index : index + 2].tolist())
        return Clip(
            self.stores[c["stores"][index]],
            c["names"][rows],
            c["boxes"][rows],
            c["times"][rows],
            c["masks"][rows] if self.masked else None,
            os.fsdecode(c["folders"][index]),
            c["classes"][c["labels"][index]].decode(),
        )

    @property
    def masked(self) -> bool:
        """Whether any frame has a mask."""
        return len(self.columns["masks"]) > 0

    def peers(self, index: int) -> np.ndarray:
        """Indices of the other clips of the same class, int64 [P]; none where it has no class."""
        labels = self.columns["labels"]
        if not self.columns["classes"][labels[index]]:
            return np.empty(0, np.int64)
        same = np.flatnonzero(labels == labels[index])
        return same[same != index]

    def save(self, path: Path) -> None:
        """Write the columns to the folder ``path``, all or nothing. Raises SourceError."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=path.parent))
            try:
                for name, column in self.columns.items():
                    np.save(draft / f"{name}.npy", column)
                draft.chmod(0o755)
                os.rename(draft, path)
            except OSError:
                shutil.rmtree(draft, ignore_errors=True)
                if not path.is_dir():  # else another process was faster
                    raise
        except OSError as error:
            raise SourceError(
                f"the index {path} cannot be written: {error.strerror}; XDG_CACHE_HOME names"
                " another place"
            ) from None

    @classmethod
    def load(cls, path: Path, stores: Sequence[Store]) -> ClipSet:
        """Map what ``save`` wrote. Raises SourceError."""
        try:
            # As plain arrays: slices of np.memmap are slow.
            files = {name: np.load(path / f"{name}.npy", mmap_mode="r") for name in COLUMNS}
            columns = {name: np.asarray(column) for name, column in files.items()}
            return _Mapped(stores, columns, path)
        except (OSError, ValueError) as error:
            # Without NumPy's words: of what is no array they advise to unpickle it.
            reason = brief(error) if isinstance(error, OSError) else "it is damaged"
            raise SourceError(f"the index {path} cannot be read ({reason}); delete it") from None


class _Mapped(ClipSet):
    def __init__(self, stores: Sequence[Store], columns: dict[str, np.ndarray], path: Path):
        super().__init__(stores, columns)
        self._path = path

    def __reduce__(self):  # worker processes map the files again instead of copying them
        return ClipSet.load, (self._path, self.stores)


def _masks(clip: Clip) -> np.ndarray:
    return np.zeros(len(clip), "S1") if clip.masks is None else clip.masks


def _join(parts: list[np.ndarray], dtype: type) -> np.ndarray:
    return np.concatenate(parts) if parts else np.empty(0, dtype)


def fingerprint(folder: Path, patterns: Iterable[str]) -> str:
    """A hash of path, size and time of change of the files (and folders) that fit ``patterns``.

    Raises SourceError if one cannot be looked at.
    """
    digest = hashlib.sha256(os.fsencode(f"{FORMAT} {folder}"))
    try:
        for pattern in patterns:
            for path in sorted(folder.glob(pattern)):
                facts = path.stat()
                digest.update(os.fsencode(f"{path} {facts.st_size} {facts.st_mtime_ns}\n"))
    except OSError as error:
        raise SourceError(f"{error.filename} cannot be read: {error.strerror}") from None
    return digest.hexdigest()[:20]
