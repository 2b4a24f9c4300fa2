"""Folders in which one thread of one process at a time writes."""

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import InputError
from .files import naming

# Files' locks are between processes alone: a second thread would have it, too, and then end it.
_threads: dict[str, threading.Lock] = {}
os.register_at_fork(after_in_child=_threads.clear)  # what the parent's threads do is theirs


@contextmanager
def locked(folder: Path, wait: bool = True) -> Iterator[None]:
    """Keep other processes and threads from what they do under the lock of the same folder.

    ``wait``: for one that has it; else an InputError says that there is one. A process that this
    one starts does not have it too, and so cannot keep it when this one is killed.
    """
    path = folder / ".lock"
    among_threads = _threads.setdefault(os.path.realpath(path), threading.Lock())
    if not among_threads.acquire(blocking=wait):
        raise InputError(f"{folder} is in use: another thread writes there")
    try:
        with naming(path), path.open("w") as file:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except (BlockingIOError, PermissionError):  # POSIX allows both
                raise InputError(f"{folder} is in use: another process writes there") from None
            yield
    finally:
        among_threads.release()


@contextmanager
def emptied(folder: Path) -> Iterator[None]:
    """After an error, remove ``folder`` where nothing but its lock, which we have, is in it."""
    try:
        yield
    except BaseException:
        with suppress(OSError):
            if [path.name for path in folder.iterdir()] == [".lock"]:
                (folder / ".lock").unlink()
                folder.rmdir()
        raise
