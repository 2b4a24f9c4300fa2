"""Batches of samples, and the processes that make them."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Generator, Sequence
from functools import partial
from multiprocessing.queues import Queue
from typing import Any, NamedTuple, Protocol

import cv2
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, default_collate

from ...core.errors import SourceError
from ..ranks import Ranks, shared_batches
from .sampling import Sample


class Batch(NamedTuple):
    """B samples of T memory and K query frames; crops are BGR, boxes x, y, w, h in crop pixels.

    Attributes:
        memory: uint8 [B, T, M, M, 3]. memory_boxes: float32 [B, T, 4].
        queries: uint8 [B, K, Q, Q, 3]. query_boxes: float32 [B, K, 4].
        positive: bool [B], False where the queries show another target.
    """

    memory: Tensor
    memory_boxes: Tensor
    queries: Tensor
    query_boxes: Tensor
    positive: Tensor

    def to(self, device: torch.device) -> Batch:
        return Batch(*(part.to(device, non_blocking=True) for part in self))


def collate(samples: Sequence[Sample]) -> Batch:
    """Stack samples along a new first axis; they begin with what a batch is made of."""
    return Batch(*default_collate([sample[: len(Batch._fields)] for sample in samples]))


def _shared(together: Callable[[Sequence], Any], samples: Sequence) -> Any:
    """A batch in shared memory, where a data process hands it over.

    Put there only while it is sent, as torch does, a batch for which there is no room would be
    lost, and waited for for ever.
    """
    batch = together(samples)
    for part in batch:
        part.share_memory_()
    return batch


def _cannot_send(error: Exception, _: object) -> None:
    """Without it a batch would be lost, and waited for for ever."""
    print(f"tracker-ros: warning: a data process cannot send a batch: {error}", file=sys.stderr)
    os._exit(1)


def _start_worker(ending: Tensor, _: int) -> None:
    Queue._on_queue_feeder_error = staticmethod(_cannot_send)
    cv2.setNumThreads(0)  # one core a worker: the others belong to the network
    # Ctrl-C in a terminal, torchrun and service managers signal the data processes too, but the
    # trainer has a step to finish first. It ends them.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0) if ending else None)


class Schedule(Protocol):
    """What a configuration says of batches."""

    batch: int
    steps: int
    minutes: float
    workers: int
    device: str


def load_batches(
    samples: Dataset,
    config: Schedule,
    ranks: Ranks,
    first: int,
    together: Callable[[Sequence], Any] = collate,
) -> Generator[Any, None, None]:
    """This process's part of every batch, from step ``first`` on; to be closed.

    ``together`` makes a batch of samples. Raises SourceError where nothing can be read.
    """
    ending = torch.zeros(1, dtype=torch.bool).share_memory_()
    loader = iter(
        DataLoader(
            samples,
            batch_sampler=shared_batches(
                config.batch, ranks, first, None if config.minutes else config.steps
            ),
            num_workers=config.workers,
            collate_fn=partial(_shared, together) if config.workers else together,
            worker_init_fn=partial(_start_worker, ending),
            prefetch_factor=4 if config.workers else None,
            pin_memory=config.device.startswith("cuda"),
            # Of its own, so that starting it leaves the network's chance as it is.
            generator=torch.Generator(),
        )
    )
    try:
        yield from loader
    except SourceError as error:  # a worker's is a traceback, whose end is the sentence
        sentence = str(error).strip().splitlines()[-1].rpartition("SourceError: ")[2]
        raise SourceError(sentence) from None
    finally:
        ending[0] = True
