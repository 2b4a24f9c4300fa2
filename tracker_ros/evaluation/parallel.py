"""Runs a tracker over sequences in several processes; each result is saved as soon as it is there.

Processes share no more than the number of the next sequence, so the results do not depend on how
many there are.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import connection, get_context, parent_process
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np

from ..core.errors import InputError, TrackerError
from ..core.trackable import Trackable
from .results import longest_name, result_path

Shared = TypeVar("Shared", bound="Share")  # ``Self``, which Python 3.10 has not
PATIENCE = 0.5  # seconds between two looks at the counters, for the progress bar


@dataclass(frozen=True)
class Share:
    """This process among ``count`` that torchrun (or a cluster) started, ``local`` of them here.

    place: its number among those on this machine.
    """

    rank: int = 0
    count: int = 1
    place: int = 0
    local: int = 1

    @classmethod
    def of_environment(cls: type[Shared]) -> Shared:
        """What RANK, WORLD_SIZE, LOCAL_RANK and LOCAL_WORLD_SIZE say; alone without them."""
        names = {"RANK": 0, "WORLD_SIZE": 1, "LOCAL_RANK": 0, "LOCAL_WORLD_SIZE": 1}
        values = []
        for name, default in names.items():
            text = os.environ.get(name, str(default))
            if not text.isdecimal():
                raise InputError(f"the environment's {name} is {text!r}, not a whole number")
            values.append(int(text))
        share = cls(*values)
        if not (share.rank < share.count and share.place < share.local):
            raise InputError(
                f"the environment's RANK {share.rank} is not below WORLD_SIZE {share.count},"
                f" or LOCAL_RANK {share.place} not below LOCAL_WORLD_SIZE {share.local}"
            )
        return share

    def of(self, runs: list) -> list:
        """Those of ``runs`` that this process performs; all processes perform each once."""
        return runs[self.rank :: self.count]


class Run(Protocol):
    """What is run as one and gives one result: ``sequences.Sequence``, ``vot.supervised.Pass``.

    name: of the result. truth: float64, a row a frame.
    """

    name: str
    truth: np.ndarray

    def __len__(self) -> int:
        """Frames."""


class RunResult(Protocol):
    """What a run gives: ``results.SequenceResult``, ``vot.supervised.SupervisedRun``."""

    truth: np.ndarray

    def save(self, path: Path) -> None:
        """Write whole or not at all."""


def is_done(folder: Path, tracker: str, run: Run, load: Callable[[Path], RunResult]) -> bool:
    """Whether ``folder`` has this result. Raises InputError where it is of another truth."""
    path = result_path(folder, tracker, run.name)
    longest = os.fsencode(longest_name(path))
    if len(longest) > os.pathconf(folder, "PC_NAME_MAX"):  # told before the run, not after it
        raise InputError(f"{run.name}: the name is too long for a file of results in {folder}")
    if not path.is_file():
        return False
    if not np.array_equal(load(path).truth, run.truth, equal_nan=True):
        raise InputError(f"{path} was made with another truth; choose another folder")
    return True


def run_all(
    tracker: str,
    make: Callable[[], Trackable],
    runs: list[Run],
    perform: Callable[[Trackable, Run, Callable[[], object]], RunResult],
    folder: Path,
    jobs: int = 1,
    on_frames: Callable[[int], object] = lambda count: None,
) -> None:
    """Perform ``runs`` with the tracker that ``make`` makes, and save each result in ``folder``.

    make: picklable where jobs > 1; each of the processes calls it once.
    perform: as ``one_pass.run_sequence``.
    on_frames: called with the number of frames that were done since the last call.
    Raises what a tracker or a run raises; then, and on Ctrl-C, what is unfinished is given up and
    what is finished is kept.
    """
    jobs = min(jobs, len(runs))
    if jobs <= 1:
        instance = make() if runs else None
        for run in runs:
            result = perform(instance, run, lambda: on_frames(1))
            result.save(result_path(folder, tracker, run.name))
        return
    context = get_context("spawn")  # a forked process would share the engine's threads
    following, frames = context.Value("q", 0), context.Value("q", 0)
    arguments = (tracker, make, runs, perform, folder, following, frames)
    with _processes(context, jobs, arguments) as workers:
        seen = 0
        while workers:
            ended = connection.wait(list(workers), PATIENCE)
            on_frames(frames.value - seen)
            seen = frames.value
            for pipe in ended:
                _check(pipe, workers.pop(pipe))


@contextmanager
def _processes(context, jobs: int, arguments: tuple) -> Iterator[dict]:
    """Start the workers: {pipe: process}; none is left when the context ends."""
    started = {}
    # Ctrl-C goes to the whole group; only this process shall act on it.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        for _ in range(jobs):
            mine, theirs = context.Pipe(duplex=False)
            process = context.Process(target=_work, args=(theirs, *arguments), daemon=True)
            process.start()
            theirs.close()
            started[mine] = process
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    processes = list(started.values())
    try:
        yield started
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()


def _check(pipe, process) -> None:
    """Raise what ended a worker, if anything did."""
    try:
        error = pipe.recv()
    except EOFError:  # it was killed
        process.join()
        raise TrackerError(
            f"a process of the evaluation ended with exit code {process.exitcode};"
            " the sequences it had finished are kept"
        ) from None
    if error is not None:
        raise error


def _work(pipe, tracker, make, runs, perform, folder, following, frames) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()

    def count() -> None:
        with frames.get_lock():
            frames.value += 1

    try:
        instance = make()
        while True:
            with following.get_lock():
                number, following.value = following.value, following.value + 1
            if number >= len(runs):
                break
            result = perform(instance, runs[number], count)
            result.save(result_path(folder, tracker, runs[number].name))
    except (TrackerError, OSError) as error:
        pipe.send(error)
    else:
        pipe.send(None)


def _end_with_parent() -> None:
    """A killed parent cannot end its processes: let them see it themselves."""
    connection.wait([parent_process().sentinel])
    os._exit(1)
