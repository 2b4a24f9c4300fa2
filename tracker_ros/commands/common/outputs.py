"""A command's outputs: none is written over an input, among what is read, or twice."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ...core.errors import InputError
from ...core.io.files import is_stream
from ...core.io.names import is_utf8
from ...core.io.paths import real

REPORT = ("jinja2", "matplotlib")  # packages that a report needs

# What is read of folders: pictures, recordings, annotations, results, weights.
_READ = re.compile(
    r"\.(jpe?g|png|bmp|webp|tiff?|p[gp]m|mcap|db3|zstd|db3-wal|db3-journal|yaml|txt|label|tag|ini|m|xml|np[yz]"
    r"|safetensors|onnx|pt|tar|mp4|avi|mov|mkv|webm)$|^evaluation\.json$|^instances_.*\.json$",
    re.IGNORECASE,
)


def check_outputs(inputs: Iterable[str | Path | None], outputs: Mapping[str, Path | None]) -> None:
    """Refuse to write over what is read, a picture among such, or twice into one file.

    Call it before opening any.

    Args:
        inputs: files and folders that are read; whatever is not there counts for nothing.
        outputs: the file, or folder, that each option names; None where it was left out.
    Raises:
        InputError: two of them are the same, by whatever name: a symbolic or hard link, /dev/fd/3;
            or one would be one more picture of a folder that is read.
    """
    from ...sources.folder import IMAGE_SUFFIXES

    named = {option: Path(path) for option, path in outputs.items() if path is not None}
    taken: dict[object, str] = {}
    for option, path in named.items():
        key = _identity(path)
        if key in taken:
            raise InputError(f"{taken[key]} and {option} are the same file, {path}")
        if key is not None:
            taken[key] = option
    written = {place: option for option, path in named.items() for place in _places(path)}
    written = {place: option for place, option in written.items() if os.path.exists(place)}
    options = {_file(place): option for place, option in written.items()}
    files = [place for place in written if os.path.isfile(place)]
    for path in (Path(given) for given in inputs if given is not None):
        found = [path] if path.exists() else []
        if files and path.is_dir():
            found += _inputs_in(path, all(_is_elsewhere(file, path) for file in files))
        for inside in found:
            if over := options.get(_file(inside)):
                raise InputError(
                    f"{over} would write over {inside}, which is read: choose another name"
                )
        for option, place in named.items():
            picture = place.suffix.lower() in IMAGE_SUFFIXES
            if picture and path.is_dir() and _is_in(place, path):
                told = f"{option} would put {place} among what is read of {path}"
                raise InputError(f"{told}: choose another folder")


def check_folder(inputs: Iterable[str | Path | None], option: str, folder: Path) -> None:
    """Refuse a folder for outputs that is, or would be in, a folder that is read.

    ``inputs``: as for ``check_outputs``. Raises InputError.
    """
    for path in (Path(given) for given in inputs if given is not None):
        if path.is_dir() and _is_in(folder, path):
            raise InputError(
                f"{option} is {folder}, in {path}, which is read: choose a folder outside of it"
            )


def check_model_name(path: Path) -> None:
    """Refuse a model that nothing could open: its readers take names in UTF-8 alone.

    Raises InputError.
    """
    if not is_utf8(os.path.abspath(path)):
        raise InputError(f"a model cannot be {path}: what reads models takes names in UTF-8 alone")


def model_files(name: str) -> list[Path]:
    """The files that ``--model NAME`` reads. Raises ModelError if there are none."""
    from ...engines.models.files import find_model

    files = find_model(name)
    return [path for path in files.folder.glob(f"{files.name}.*") if path.is_file()]


def _identity(path: Path) -> object:
    """What is the same for all names of a file; None for a stream, which may be written twice."""
    try:
        if not path.is_dir() and is_stream(path):
            return None
        return _file(path)
    except (OSError, ValueError):
        return os.path.realpath(path)


def _file(path: Path) -> tuple[int, int]:
    """What it is by whatever name, one's own descriptor among them."""
    found = os.stat(path)
    return found.st_dev, found.st_ino


def _is_in(path: Path, folder: Path) -> bool:
    """Whether ``path`` is ``folder``, or is or would be in it, by its own name or behind links."""
    names = (Path(os.path.abspath(path)), real(path))
    places = (place for name in names for place in (name, *name.parents))
    return any(os.path.exists(place) and os.path.samefile(place, folder) for place in places)


def _places(path: Path) -> list[Path]:
    """Where what becomes ``path`` is written: there, or first beside it (``core.io.files``)."""
    real = os.path.realpath(path)
    return [path, Path(f"{real}.part"), Path(f"{real}.part{path.suffix}")]


def _is_elsewhere(file: Path, folder: Path) -> bool:
    """Whether only a symbolic link in ``folder`` can lead to ``file``."""
    return file.stat().st_nlink == 1 and real(folder) not in real(file).parents


def _inputs_in(folder: Path, links: bool) -> Iterator[Path]:
    """The files that are read of ``folder``; of millions only the symbolic ``links``."""
    waiting, seen = [folder], set()
    while waiting:
        home = waiting.pop()
        try:
            key, entries = _identity(home), list(os.scandir(home))
        except OSError:
            continue
        if key in seen:
            continue
        seen.add(key)
        for entry in entries:
            if entry.is_dir():
                waiting.append(Path(entry.path))
            elif _READ.search(entry.name) and (entry.is_symlink() or not links):
                yield Path(entry.path)
