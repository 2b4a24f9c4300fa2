"""VOT's supervised protocol: a tracker that has lost the target is started again."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from ...core.errors import InputError, SourceError
from ...core.trackable import Trackable
from ...sources.sizes import OneSize
from ..peers import PeerError
from ..results import save_arrays
from .regions import overlap
from .sequences import VotSequence

logger = logging.getLogger(__name__)

SKIP = 5  # frames from a failure to the next start
REPETITIONS = 15  # of a tracker that does not give the same answers twice

UNKNOWN, STARTED, FAILED, TRACKED = range(4)


@dataclass(frozen=True)
class Pass:
    """One way through a sequence, of as many as a tracker makes; repetition counts from 1."""

    sequence: VotSequence
    repetition: int = 1

    @property
    def name(self) -> str:
        return f"{self.sequence.name}_{self.repetition:03}"

    @property
    def truth(self) -> np.ndarray:
        """The true regions, float64 [N, M], as many numbers as the longest has, the rest NaN."""
        regions = self.sequence.regions
        table = np.full((len(regions), max(map(len, regions))), np.nan)
        for row, region in zip(table, regions, strict=True):
            row[: len(region)] = region
        return table

    def __len__(self) -> int:
        return len(self.sequence)


@dataclass(frozen=True)
class SupervisedRun:
    """What a tracker did in one pass over N frames.

    status: int8 [N], STARTED on the truth, TRACKED, FAILED (its box has no pixel in common with
        the truth) or UNKNOWN (the tracker was not shown the frame).
    boxes: float64 [N, 4], x y w h in pixels; NaN where UNKNOWN, the truth's where STARTED.
    truth: float64 [N, M], ``Pass.truth``.
    overlaps: float64 [N], with the true region (``regions.overlap``); 0 unless TRACKED.
    seconds: float64 [N], wall-clock time of the tracker alone, without decoding; 0 where UNKNOWN.
    """

    status: np.ndarray
    boxes: np.ndarray
    truth: np.ndarray
    overlaps: np.ndarray
    seconds: np.ndarray

    def save(self, path: Path) -> None:
        """Write as ``path``, an .npz without pickles, whole or not at all."""
        save_arrays(path, {f.name: getattr(self, f.name) for f in fields(self)})

    @classmethod
    def load(cls, path: Path) -> "SupervisedRun":
        """Read what ``save`` wrote. Raises SourceError for a missing, damaged or foreign file."""
        try:
            with np.load(path, allow_pickle=False) as file:
                run = cls(**{f.name: file[f.name] for f in fields(cls)})
            wrong = run._misfit()
        except Exception as error:  # zip, zlib, NumPy: damage has many names
            # Without NumPy's words: of a foreign file they advise to unpickle it.
            wrong = type(error).__name__
        if wrong:
            raise SourceError(
                f"{path} is not a VOT result of this version, or damaged ({wrong});"
                " delete it, and the same evaluation writes it again"
            )
        return run

    def _misfit(self) -> str:
        """The first array that is not as the class says; "": all are."""
        count, numbers = self.truth.shape
        shapes = {
            "status": (count,),
            "boxes": (count, 4),
            "truth": (count, numbers),
            "overlaps": (count,),
            "seconds": (count,),
        }
        for name, shape in shapes.items():
            array, kind = getattr(self, name), "i" if name == "status" else "f"
            if (array.dtype.kind, array.shape) != (kind, shape):
                return f"{name}: {array.dtype} {list(array.shape)} for {count} frames"
        if not np.isin(self.status, (UNKNOWN, STARTED, FAILED, TRACKED)).all():
            return "status has a value without meaning"
        if not (np.isfinite(self.overlaps).all() and np.isfinite(self.seconds).all()):
            return "a value is not finite"
        return "" if STARTED in self.status else "it was never started"


def run_pass(
    tracker: Trackable, run: Pass, on_frame: Callable[[], object] = lambda: None
) -> SupervisedRun:
    """Let ``tracker``, whose ``init`` forgets the past, make one pass.

    It starts on the bounding box of the true region. Where its box has overlap 0 with the region it
    has failed, and it starts again ``SKIP`` frames later. What is scored while it publishes no box
    is ``tracker.last_box``. on_frame is called for each frame, for progress. Raises InputError that
    names sequence and frame if the tracker does not start.
    """
    with OneSize(run.sequence.name, "were looked at as they are") as sizes:
        return _made_pass(tracker, run, on_frame, sizes.fits)


def _made_pass(
    tracker: Trackable,
    run: Pass,
    on_frame: Callable[[], object] = lambda: None,
    on_image: Callable[[np.ndarray, str], object] = lambda image, name: None,
) -> SupervisedRun:
    sequence, count = run.sequence, len(run)
    status, seconds = np.full(count, UNKNOWN, np.int8), np.zeros(count)
    boxes, overlaps = np.full((count, 4), np.nan), np.zeros(count)
    start = 0
    for i in range(count):
        on_frame()
        if i < start:
            continue
        image = sequence.image(i)
        on_image(image, sequence.paths[i].name)
        begin = time.perf_counter()
        if i == start:
            _start(tracker, image, sequence, i)
            seconds[i] = time.perf_counter() - begin
            status[i], boxes[i] = STARTED, sequence.boxes[i]
            continue
        try:
            tracker.update(image)
            boxes[i] = tracker.last_box
            overlaps[i] = overlap(boxes[i], sequence.regions[i], sequence.size)
        except PeerError as error:  # also where it did not start
            logger.warning("%s frame %d is lost: %s", sequence.name, i + 1, error)
            boxes[i] = boxes[i - 1]
        seconds[i] = time.perf_counter() - begin
        status[i] = TRACKED if overlaps[i] > 0 else FAILED
        if status[i] == FAILED:
            start = i + SKIP
    return SupervisedRun(status, boxes, run.truth, overlaps, seconds)


def _start(tracker, image: np.ndarray, sequence: VotSequence, frame: int) -> None:
    try:
        tracker.init(image, tuple(map(float, sequence.boxes[frame])))
    except PeerError as error:
        logger.warning("%s frame %d: %s", sequence.name, frame + 1, error)
    except InputError as error:
        raise InputError(f"{sequence.name} frame {frame + 1}: {error}") from None


def repetitions_needed(tracker, sequences: list[VotSequence]) -> int:
    """1 if ``tracker`` gives the same boxes in two passes over the shortest sequence, else 15."""
    shortest = Pass(min(sequences, key=len))
    first, second = (_made_pass(tracker, shortest).boxes for _ in range(2))
    return 1 if np.array_equal(first, second, equal_nan=True) else REPETITIONS
