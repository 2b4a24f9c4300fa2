"""Files that are written whole or not at all; also through links, and to pipes and devices.

A file is first written as NAME.part beside its place, and takes that place at the end. Tables and
videos, which people read while they grow, are written at their place if there is no earlier file.
A symbolic link keeps its target, a file with several names (hard links) keeps them all, and for a
pipe, a device or ``/dev/stdout`` everything is copied at the end.
"""

import csv
import errno
import io
import json
import logging
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO

logger = logging.getLogger(__name__)

# For names of files that are no UTF-8, which may stand in any text.
UNTOLD = "backslashreplace"
_LINKS = 40  # as many as Linux follows


class Draft:
    """What will take the place of ``path``: write ``part``, then ``keep`` or ``drop`` it.

    Args:
        path: where the result shall be; folders above it are not made.
        suffix: of the name of ``part``; some libraries choose the format by it.
        grows: it can be used before it is whole: write at its place if there is no earlier file.
    Attributes:
        path: the file itself, where the one given is a symbolic link; None: a stream.
        part: where to write.
    Raises:
        OSError: it is a folder, or in none.
    """

    def __init__(self, path: Path, suffix: str = "", grows: bool = False):
        self.name = path
        self.path = _file_behind(path)
        if self.path is None:
            handle, part = tempfile.mkstemp(suffix=suffix)
            os.close(handle)
            self.part = Path(part)
        else:
            there = self.path.exists() and self.path.stat().st_size
            beside = self.path.with_name(f"{self.path.name}.part{suffix}")
            self.part = beside if there or not grows else self.path

    def keep(self) -> None:
        """Put ``part`` in the place of ``path``."""
        if self.part == self.path:
            return
        if self.path is None:
            with self.part.open("rb") as written, open_stream(self.name) as stream:
                shutil.copyfileobj(written, stream)
            self.drop()
            return
        try:
            known = os.stat(self.path)
        except FileNotFoundError:
            known = None
        if known and known.st_nlink > 1:
            shutil.copyfile(self.part, self.path)
            self.drop()
            return
        if known:
            shutil.copymode(self.path, self.part)
        os.replace(self.part, self.path)

    def drop(self) -> None:
        """Forget what was written."""
        self.part.unlink(missing_ok=True)

    def end(self, error: BaseException | None) -> None:
        """Keep what was written; after an error, without losing an earlier file.

        Recordings of cameras end by Ctrl-C or SIGTERM, so these keep it. After an error an earlier
        file stays, and what was written stays beside it; where there was none, it takes the place.
        """
        if not self.part.exists() or (error and not self.part.stat().st_size):
            self.drop()
        elif error is None or not isinstance(error, Exception):
            self.keep()
        elif self.path is None:
            self.drop()
        elif self.path.exists() and self.part != self.path:
            logger.warning("%s is left as it was; what was written is in %s", self.path, self.part)
        else:
            self.keep()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A file to write, which takes the place of ``path`` if nothing goes wrong."""
    draft = Draft(path)
    with naming(path):
        try:
            yield draft.part
        except BaseException:  # Ctrl-C, too
            draft.drop()
            raise
        draft.keep()


@contextmanager
def growing(path: Path) -> Iterator[TextIO]:
    """A text file to write line by line; see ``Draft.end`` for what becomes of it.

    A stream gets each line immediately.
    """
    with naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if is_stream(path):
            stream = open_stream(path)
            with io.TextIOWrapper(stream, "utf-8", UNTOLD, "", line_buffering=True) as file:
                yield file
            return
        draft = Draft(path, grows=True)
        try:
            with draft.part.open("w", 1, "utf-8", UNTOLD, "") as file:
                yield file
        except BaseException as error:
            draft.end(error)
            raise
        draft.end(None)


def check_place(path: Path) -> None:
    """Raise OSError, which names it, where ``path`` could not be written: before work for it."""
    with naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = Draft(path)
        try:
            draft.part.open("wb").close()
        finally:
            draft.drop()


def write_json(path: Path, content: Mapping | Sequence) -> None:
    """Write ``path`` whole or not at all, and the folders above it."""
    with naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as part:
            part.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def write_csv(path: Path, rows: Iterable[Iterable[object]]) -> None:
    """Write a table whole or not at all."""
    with (
        replacing(path) as part,
        part.open("w", newline="", encoding="utf-8", errors=UNTOLD) as file,
    ):
        csv.writer(file).writerows(rows)


def is_stream(path: Path) -> bool:
    """Whether ``path`` is there and no regular file: a pipe, a device, one's own stdout."""
    return _file_behind(path) is None


def open_stream(path: Path) -> BinaryIO:
    """Open a stream for writing; one's own descriptors where they are."""
    number = _own_descriptor(path)
    return open(path if number is None else os.dup(number), "wb")


def _file_behind(path: Path) -> Path | None:
    """The regular file that ``path`` is or will be; None for a stream."""
    if _own_descriptor(path) is not None:
        return None
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return Path(os.path.realpath(path))
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    return Path(os.path.realpath(path)) if stat.S_ISREG(mode) else None


def _own_descriptor(path: Path) -> int | None:
    """The number in /dev/stdout, /dev/fd/1, /proc/self/fd/1 and links to them.

    To follow the last link would open the file anew, and write over what is in it.
    """
    own = rf"/proc/{os.getpid()}/(?:task/\d+/)?fd"
    for _ in range(_LINKS):
        if path.name.isdecimal() and re.fullmatch(own, os.path.realpath(path.parent)):
            return int(path.name)
        if not path.is_symlink():
            return None
        path = path.parent / os.readlink(path)
    return None


@contextmanager
def naming(path: str | Path) -> Iterator[None]:
    """Say in errors of writing, as of a full disk, which file or folder it was."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno is not None:
            error.filename = str(path)
        raise
