"""What a command may write to."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ..core.errors import InputError
from ..core.files import is_stream


def check_outputs(inputs: Iterable[Path | None], outputs: Mapping[str, Path | None]) -> None:
    """Refuse to write over what is read, or twice into one file; call it before opening any.

    Args:
        inputs: files and folders that are read. Of a folder, only files that are there already
            and hold pictures, recordings, annotations or results are taken for inputs.
        outputs: the file, or folder, that each option names; None where it was left out.
    Raises:
        InputError: two of them are the same by whatever name, symbolic or hard link.
    """
    given = [Path(path) for path in inputs if path is not None]
    named = {option: Path(path) for option, path in outputs.items() if path is not None}
    taken: dict[object, str] = {}
    for option, path in named.items():
        key = _identity(path)
        if key is None:
            continue
        if key in taken:
            raise InputError(f"{taken[key]} and {option} are the same file, {path}")
        taken[key] = option
    files = {key: option for key, option in taken.items() if not named[option].is_dir()}
    for path in given:
        option = taken.get(_identity(path))
        if option:
            raise InputError(f"{option} {named[option]} is what is read: choose another name")
        if not path.is_dir() or not any(named[option].exists() for option in files.values()):
            continue
        for inside in _inputs_in(path):
            if option := files.get(_identity(inside)):
                raise InputError(
                    f"{option} {named[option]} is {inside}, which is read: choose another name"
                )


_READ = re.compile(
    r"\.(jpe?g|png|bmp|webp|tiff?|p[gp]m|mcap|db3|zstd|db3-wal|yaml|txt|label|tag|ini|m|xml|np[yz]"
    r"|safetensors|onnx|tar|mp4|avi|mov|mkv|webm)$|^evaluation\.json$|^instances_.*\.json$",
    re.IGNORECASE,
)


def _inputs_in(folder: Path) -> Iterator[Path]:
    for home, _, names in os.walk(folder, followlinks=True):
        yield from (Path(home, name) for name in names if _READ.search(name))


def _identity(path: Path) -> object:
    """What is the same for all names of a file; None for a stream, which may be written twice."""
    try:
        if is_stream(path):
            return None
    except OSError:  # a folder
        pass
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return os.path.realpath(path)
    return found.st_dev, found.st_ino
