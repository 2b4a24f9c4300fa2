"""Samples whose pictures cannot be read: others take their place."""

import sys
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import torch
from torch.utils.data import get_worker_info

from ...core.errors import SourceError
from .geometry import Rng

ATTEMPTS = 20  # samples in a row that may be broken
WORKERS = 64  # places for counts; more workers share them

Made = TypeVar("Made")


class Broken:
    """Says once what cannot be read, on stderr, and counts, in all worker processes together."""

    def __init__(self) -> None:
        self._counts = torch.zeros(WORKERS, dtype=torch.int64).share_memory_()
        self._reported: set[str] = set()

    def __int__(self) -> int:
        return int(self._counts.sum())

    def replace(self, draw: Callable[[Rng], Made], *key: int) -> Made:
        """What ``draw`` makes by the chance of ``key``, or by another where that is broken.

        Raises SourceError after ATTEMPTS of them in a row.
        """
        for attempt in range(ATTEMPTS):
            try:
                return draw(np.random.default_rng((*key, attempt) if attempt else key))
            except SourceError as error:
                self._report(str(error))
                if attempt == ATTEMPTS - 1:
                    raise
        raise AssertionError("not reached")

    def _report(self, message: str) -> None:
        worker = get_worker_info()
        self._counts[worker.id % WORKERS if worker else 0] += 1
        if message not in self._reported:
            self._reported.add(message)
            print(f"tracker-ros: warning: {message}; another sample is used", file=sys.stderr)
