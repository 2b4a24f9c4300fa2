"""VOT's supervised protocol: a tracker that has lost the target is started again."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tracker_ros.core.errors import InputError
from tracker_ros.evaluation.vot.regions import overlap
from tracker_ros.evaluation.vot.sequences import VotSequence

SKIP = 5  # frames from a failure to the next start
REPETITIONS = 15  # of a tracker that does not give the same answers twice

UNKNOWN, STARTED, FAILED, TRACKED = range(4)


@dataclass(frozen=True)
class SupervisedRun:
    """What a tracker did on one sequence of N frames.

    status: int8 (N,), STARTED on the truth, TRACKED, FAILED (its box has no pixel in common with
        the truth) or UNKNOWN (the tracker was not shown the frame).
    boxes: float64 (N, 4), x y w h in pixels; NaN where UNKNOWN, the truth's where STARTED.
    overlaps: float64 (N,), with the truth (`regions.overlap`); 0 unless TRACKED.
    seconds: float64 (N,), wall-clock time of the tracker alone, without decoding; 0 where UNKNOWN.
    """

    status: np.ndarray
    boxes: np.ndarray
    overlaps: np.ndarray
    seconds: np.ndarray


def run_supervised(
    tracker, sequence: VotSequence, on_frame: Callable[[], object] = lambda: None
) -> SupervisedRun:
    """Run `tracker`, whose `init` forgets the past, over `sequence`.

    It starts on the truth's bounding box. Where its box has overlap 0 with the truth it has failed,
    and it starts again `SKIP` frames later. What is scored while it publishes no box is
    `tracker.last_box`. Raises InputError that names sequence and frame if it does not start.
    """
    count = len(sequence)
    status, seconds = np.full(count, UNKNOWN, np.int8), np.zeros(count)
    boxes, overlaps = np.full((count, 4), np.nan), np.zeros(count)
    start = 0
    for i in range(count):
        on_frame()
        if i < start:
            continue
        image = sequence.image(i)
        begin = time.perf_counter()
        if i == start:
            try:
                tracker.init(image, tuple(map(float, sequence.boxes[i])))
            except InputError as error:
                raise InputError(f"{sequence.name} frame {i + 1}: {error}") from None
            status[i] = STARTED
        else:
            tracker.update(image)
            status[i] = TRACKED
        seconds[i] = time.perf_counter() - begin
        boxes[i] = sequence.boxes[i] if i == start else tracker.last_box
        if status[i] == TRACKED:
            overlaps[i] = overlap(boxes[i], sequence.regions[i], sequence.size)
            if overlaps[i] == 0:
                status[i] = FAILED
                start = i + SKIP
    return SupervisedRun(status, boxes, overlaps, seconds)


def same_answers(a: SupervisedRun, b: SupervisedRun) -> bool:
    """Whether a tracker gave the same boxes to the last bit in two runs on the same sequence."""
    return np.array_equal(a.boxes, b.boxes, equal_nan=True)
