"""Processes of a training (torchrun): this one's rank, and what all agree on."""

from __future__ import annotations

import atexit
import logging
import os
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from itertools import count
from textwrap import shorten

import torch
from torch import Tensor, distributed

from ..core.errors import ParameterError
from ..evaluation.parallel import Share

PATIENCE = timedelta(hours=12)  # the others wait while the first validates
MEETING = timedelta(minutes=5)  # until all have come
SILENCE = 10.0  # seconds after which it is said that others are waited for

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ranks(Share):
    """A share of a training; rank 0 writes files and logs."""

    @classmethod
    def join(cls, device: torch.device) -> Ranks:
        """Join the group that torchrun started, until this process ends; alone where it did not.

        A process that ends while the group's threads live may be aborted after all its work.
        """
        ranks = cls.of_environment()
        if ranks.count > 1 and device.type == "cuda":
            torch.cuda.set_device(device)
        if ranks.count > 1 and not distributed.is_initialized():
            # Optimisers import it, and one that finds a group keeps it to the end and beyond.
            import_module("torch._dynamo")
            backend = "nccl" if device.type == "cuda" else "gloo"
            distributed.init_process_group(
                backend,
                store=meet(ranks.count),
                rank=ranks.rank,
                world_size=ranks.count,
                timeout=PATIENCE,
            )
            atexit.register(_leave)
        return ranks

    def wait(self) -> None:
        """Go on when all processes have come here."""
        if self.count > 1:
            distributed.barrier()

    @property
    def leads(self) -> bool:
        """Whether this process writes files and logs."""
        return self.rank == 0

    def average(self, tensors: list[Tensor]) -> None:
        """Replace each tensor by its mean over all processes, in one exchange."""
        if self.count == 1:
            return
        flat = torch.cat([tensor.flatten() for tensor in tensors])
        distributed.all_reduce(flat)
        flat /= self.count
        start = 0
        for tensor in tensors:
            tensor.copy_(flat[start : start + tensor.numel()].view_as(tensor))
            start += tensor.numel()


def meet(count: int) -> distributed.Store:
    """The store of the ``count`` processes of MASTER_ADDR and MASTER_PORT, when all have come.

    Torch waits for them without looking at signals: here it does so in a thread, so that Ctrl-C
    and SIGTERM end the process. Raises ParameterError naming what of the environment is wrong.
    """
    address, port = (os.environ.get(name, "") for name in ("MASTER_ADDR", "MASTER_PORT"))
    if not address:
        raise ParameterError(f"WORLD_SIZE is {count}, but the environment has no MASTER_ADDR")
    if not (port.isascii() and port.isdecimal() and 0 < int(port[:6]) < 1 << 16):
        raise ParameterError(
            f"the environment's MASTER_PORT is {port!r}, not a number from 1 to 65535"
        )
    place = f"MASTER_ADDR {address}, MASTER_PORT {port}"
    found: list[distributed.Store | Exception] = []

    def look() -> None:
        try:
            socket.getaddrinfo(address, int(port))  # torch would look for it until it gives up
            # Torch gives up long after MEETING: a thread that comes back while Python ends aborts.
            found.append(next(distributed.rendezvous("env://", timeout=PATIENCE))[0])
        except Exception as error:  # torch raises many types
            found.append(error)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    thread.join(SILENCE)
    if thread.is_alive():
        logger.warning("waiting for the other processes at %s", place)
        thread.join(MEETING.total_seconds())
    result = found[0] if found else TimeoutError(f"not all came in {MEETING}")
    if isinstance(result, socket.gaierror):
        raise ParameterError(f"the environment's MASTER_ADDR is {address!r}: {result.strerror}")
    if isinstance(result, Exception):
        said = re.split(r"\n|Exception raised from", str(result))[0]
        raise ParameterError(
            f"the {count} processes of WORLD_SIZE did not meet at {place}: {shorten(said, 200)}"
        )
    return result


def _leave() -> None:
    if distributed.is_initialized():  # a script of one's own may have left it
        distributed.destroy_process_group()


def processes() -> int:
    """How many processes train together."""
    together = distributed.is_available() and distributed.is_initialized()
    return distributed.get_world_size() if together else 1


def shared_mean(value: Tensor) -> Tensor:
    """Mean over all processes; its gradient goes to this one's value.

    Gradients are averaged over the processes afterwards, so any function of the mean has the
    gradient that it would have in a single process.
    """
    if processes() == 1:
        return value
    total = value.detach().clone()
    distributed.all_reduce(total)
    return value + (total / processes() - value.detach())


def shared_count(chosen: Tensor) -> Tensor:
    """How many are chosen, the mean over all processes; never less than one in all of them."""
    return shared_mean(chosen.sum().float()).clamp_min(1 / processes())


def shared_batches(
    batch: int, ranks: Ranks, first: int = 0, last: int | None = None
) -> Iterator[range]:
    """Indices of each batch of this process: together the processes see every sample once.

    Args:
        batch: samples of all processes together. first, last: steps, ``last`` None for no end.
    Raises:
        ParameterError: the batch cannot be shared out evenly.
    """
    if batch % ranks.count:
        raise ParameterError(f"--batch is {batch}, not a multiple of {ranks.count} processes")
    local = batch // ranks.count
    steps = count(first) if last is None else range(first, last)
    starts = (step * batch + ranks.rank * local for step in steps)
    return (range(start, start + local) for start in starts)
