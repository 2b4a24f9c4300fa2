"""Tar shards with an ``index.json``, memory-mapped: a shard costs no RAM until it is read."""

import json
import mmap
import tarfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from ...core.errors import InputError, SourceError, brief
from ...core.io.pictures import decode


class Shard:
    """One tar file of pictures and an ``index.json`` that lists its entries.

    Args:
        path: the tar file.
    Attributes:
        entries: the parsed index, a list of dicts.
    Raises:
        SourceError: the file is missing, no tar file, or holds no readable index.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        try:
            with tarfile.open(self.path, "r:") as tar:
                self._where = {m.name: (m.offset_data, m.size) for m in tar if m.isfile()}
            with open(self.path, "rb") as file:
                self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            self.entries: list[dict] = json.loads(self._raw("index.json"))
        except (OSError, tarfile.TarError, ValueError, RecursionError) as error:
            raise SourceError(f"shard {self.path} cannot be read: {brief(error)}") from error
        if not (isinstance(self.entries, list) and all(isinstance(e, dict) for e in self.entries)):
            raise SourceError(f"shard {self.path} has an index that is not a list of entries")

    def _raw(self, name: str) -> bytes:
        if name not in self._where:
            raise SourceError(f"shard {self.path} has no member {name!r}")
        start, size = self._where[name]
        return self._bytes[start : start + size]

    def image(self, name: str, shrink: int = 1) -> np.ndarray:
        """Decode member ``name`` to 1/``shrink`` (1, 2, 4, 8) of its sides: uint8 [H, W, 3] BGR."""
        return self._picture(name, lambda data: decode(data, shrink))

    def mask(self, name: str) -> np.ndarray:
        """Decode member ``name`` as a mask: bool [H, W]."""
        return self._picture(name, _grey) > 127

    def _picture(self, name: str, decode_as: Callable[[bytes], np.ndarray]) -> np.ndarray:
        try:
            return decode_as(self._raw(name))
        except InputError as error:
            raise SourceError(f"shard {self.path}: member {name!r} {error}") from None

    def __reduce__(self):  # worker processes map the file again instead of copying it
        return Shard, (self.path,)


def find_shards(folder: str | Path, kind: str) -> list[Path]:
    """The shards ``<kind>-<number>.tar`` of a folder, in order; SourceError if there is none."""
    if not Path(folder).is_dir():
        raise SourceError(f"{folder} is not a folder")
    found = sorted(Path(folder).glob(f"{kind}-*.tar"))
    if not found:
        raise SourceError(f"{folder} holds no shard named {kind}-*.tar")
    return found


def _grey(data: bytes) -> np.ndarray:
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE) if data else None
    if pixels is None:
        raise InputError(f"is not a picture ({len(data)} bytes)")
    return pixels
