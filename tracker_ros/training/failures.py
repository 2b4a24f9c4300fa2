"""What may end a training: each in one sentence that says what to do."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import torch

from ..core.errors import TrackerError


@contextmanager
def out_of_memory(step: int, batch: int, kept: Callable[[], str]) -> Iterator[None]:
    """Turns what torch and Python raise where memory ends into a TrackerError.

    ``kept`` says which weights are safe.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        said = str(error).lower()
        lacking = isinstance(error, torch.OutOfMemoryError | MemoryError)
        if not (lacking or "can't allocate memory" in said):
            raise
        raise TrackerError(
            f"out of memory at step {step} with {batch} samples an update: lower --batch, "
            f"--memory-frames or the network's sizes; {kept()}"
        ) from error


class Stop:
    """While open, SIGTERM and Ctrl-C are noted in ``signal`` instead of ending the process.

    The second of them ends it at once. In a thread other than the main one nothing is caught.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self._before: dict[int, object] = {}

    def __enter__(self) -> Stop:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, _: FrameType | None) -> None:
        self.signal = number
        self.__exit__()

    def leave(self) -> None:
        """End as the signal asks: exit status 143 for SIGTERM, KeyboardInterrupt for Ctrl-C."""
        if self.signal == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(128 + (self.signal or signal.SIGTERM))
