"""Reasons that end a training, each in one sentence that says what to do."""

from __future__ import annotations

import errno
import re
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from textwrap import shorten
from types import FrameType

import torch

from ...core.errors import TrackerError

SHARED = re.compile(r"shared memory|shm_open|torch_\d+_\d+|Bus error|Too many open files|ancdata")
NO_ROOM = (errno.ENOSPC, errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM, errno.EFBIG)


def _reason(said: str) -> str:
    """The last line that says something, of what may be a traceback."""
    lines = [line for line in said.splitlines() if line.strip()] or [""]
    return shorten(lines[-1].rpartition("Error: ")[2], 120, placeholder=" ...")


def _named(error: BaseException) -> bool:
    """Whether it is about a file, or about standard output, which is named as one."""
    return getattr(error, "filename", None) is not None


@contextmanager
def explained(batch: int, where: Callable[[], str]) -> Iterator[None]:
    """Turns running out of memory, and the end of a data process, into a TrackerError.

    ``where`` tells the step and which weights are safe, as the end of the sentence.
    """
    try:
        yield
    except (RuntimeError, MemoryError, OSError, EOFError) as error:
        said = str(error)
        # Torch names files there, and is killed where it writes to a page that is not; semaphores
        # and processes have no file's name.
        if SHARED.search(said) or (getattr(error, "errno", None) in NO_ROOM and not _named(error)):
            raise TrackerError(
                "data processes hand over batches in shared memory (/dev/shm), and there is too"
                f" little of it, or of open files and processes ({_reason(said)}): make room there,"
                f" or lower --workers or --batch; {where()}"
            ) from error
        lacking = isinstance(error, torch.OutOfMemoryError | MemoryError)
        if lacking or "can't allocate memory" in said:
            raise TrackerError(
                f"out of memory with {batch} samples an update: lower --batch, --memory-frames or "
                f"the sizes of the network or its crops; {where()}"
            ) from error
        # Its end breaks a pipe, or is told by a signal's handler, wherever that finds us.
        ended = isinstance(error, ConnectionError | EOFError) and not _named(error)
        if ended or "DataLoader worker" in said:
            raise TrackerError(f"a data process was ended from outside; {where()}") from error
        raise


ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Stop:
    """While open, SIGTERM, SIGHUP and Ctrl-C are noted in ``signal`` instead of ending the process.

    The second of them ends it at once. In a thread other than the main one nothing is caught.
    The DataLoader's handler for the end of a data process ends with it, else it would raise later.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self._before: dict[int, object] = {}

    def __enter__(self) -> Stop:
        if threading.current_thread() is threading.main_thread():
            for number in ENDING:
                if signal.getsignal(number) is signal.SIG_IGN:  # as ``nohup`` wants it
                    continue
                self._before[number] = signal.signal(number, self._note)
            self._before[signal.SIGCHLD] = signal.getsignal(signal.SIGCHLD)
        return self

    def __exit__(self, *_) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, _: FrameType | None) -> None:
        self.signal = number
        for again in ENDING:
            if again in self._before:
                signal.signal(again, self._before[again])

    def leave(self) -> None:
        """End as the signal asks: exit status 143 for SIGTERM, KeyboardInterrupt for Ctrl-C."""
        if self.signal == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(128 + (self.signal or signal.SIGTERM))
