"""Deterministic replay: every frame of a recording through the node's worker, without a clock."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np

from ..core.errors import InputError
from ..core.gate import BRANCHES, Gate
from ..core.geometry.boxes import ABSENT, Box
from ..core.io.levels import Levels
from ..core.trackable import Result, Trackable
from ..core.tracker import Tracker
from ..evaluation.results import SequenceResult
from ..runtime.answer import Answer
from ..runtime.frame_slot import FrameSlot
from ..runtime.requests import Start
from ..runtime.worker import Worker
from ..sources import Frame, Source
from .truth import Truth


@dataclass(frozen=True)
class ReplayedFrame:
    """One frame's answer; nothing in it depends on the clock.

    last_box: where the target is thought to be, also while it is lost; None without target.
    seconds: what the tracker took, kept apart by the caller.
    """

    frame: Frame
    answer: Answer
    last_box: Box | None
    seconds: float


def replay(
    tracker: Trackable, source: Source, truth: Truth, problem: Callable[[str], object]
) -> Iterator[ReplayedFrame]:
    """Yield what ``tracker`` (ours, or a peer) answers to each frame of ``source``.

    It starts on the first frame that ``truth`` has a box to start on for; before, there is no
    target.
    problem: gets one sentence about whatever goes wrong, many times if need be. Raises SourceError
    where the source cannot be read, InputError where the tracker starts on none of the boxes.
    """
    ours = isinstance(tracker, Tracker)
    watch = TimedTracker(tracker.engine) if ours else TimedPeer(tracker)
    sink = LatestAnswer(watch, problem)
    slot = FrameSlot(history=0.0, time_jump=0.0)
    worker = Worker(watch, slot, sink)
    for count, frame in enumerate(source):
        box = None if sink.started else truth.start(frame.index)
        if box is not None:
            worker.request(Start(box))
        # Counted, for recordings may repeat stamps.
        slot.put(_message(frame, source.levels), count, 0)
        worker.turn()
        if sink.answer is None:  # the start failed: the frame is still to be answered
            worker.turn()
        yield sink.step(frame)
    if not sink.started:
        raise InputError(sink.failure or f"{source.name}: no image has a box to start on")


class LatestAnswer:
    """Keeps the worker's latest answer; see ``runtime.worker.Worker``."""

    def __init__(self, watch: "TimedTracker | TimedPeer", problem: Callable[[str], object]):
        self._watch, self._problem = watch, problem
        self.answer: Answer | None = None
        self.started = False
        self.failure: str | None = None

    def publish(self, answer: Answer) -> None:
        self.answer = answer
        self.started = self.started or answer.target is not None

    def finish(self, answer: Answer) -> None:
        self.answer = answer

    def refuse(self, frame, state: str, problem: str) -> None:
        self._problem(problem)

    def report(self, subject: str, problem: str | None) -> None:
        if problem:
            self._problem(problem)
            if subject == "init":
                self.failure = problem

    def step(self, frame: Frame) -> ReplayedFrame:
        """What was answered to ``frame``, the last that the worker was given."""
        answer, self.answer = self.answer, None
        if answer.result:
            answer = replace(answer, result=replace(answer.result, timings={}))
        last_box = self._watch.last_box if answer.target else None
        return ReplayedFrame(frame, answer, last_box, self._watch.stop())


class Stopwatch:
    """Adds up the seconds that a tracker's steps take; the first parent, the tracker the second."""

    _seconds = 0.0

    def init(self, image: np.ndarray, box: Box) -> None:
        with self._running():
            super().init(image, box)

    def locate(self, image: np.ndarray) -> Result:
        with self._running():
            return super().locate(image)

    def remember(self) -> Gate | None:
        with self._running():
            return super().remember()

    def stop(self) -> float:
        """The seconds since it was last stopped."""
        seconds, self._seconds = self._seconds, 0.0
        return seconds

    @contextmanager
    def _running(self) -> Iterator[None]:
        begin = time.perf_counter()
        try:
            yield
        finally:
            self._seconds += time.perf_counter() - begin


class PeerTracker:
    """A peer in the steps that the worker asks of a tracker; it remembers nothing."""

    gate, memory_size, state, given_up = None, 0, None, False

    def __init__(self, peer: Trackable):
        self._peer = peer

    @property
    def last_box(self) -> Box | None:
        return self._peer.last_box

    def reset(self) -> None:
        """Nothing: ``init`` forgets what was before."""

    def init(self, image: np.ndarray, box: Box) -> None:
        self._peer.init(image, box)

    def locate(self, image: np.ndarray) -> Result:
        return self._peer.update(image)

    def remember(self) -> None:
        return None


class TimedTracker(Stopwatch, Tracker):
    """Ours."""


class TimedPeer(Stopwatch, PeerTracker):
    """OpenCV's."""


# Of a ``SequenceResult``, as ``ReplayLog`` fills them.
COLUMNS = {
    "boxes": float,
    "truth": float,
    "scores": float,
    "seconds": float,
    "lost": bool,
    "gates": np.float32,
    "branches": np.int8,
    "scored": bool,
}


class ReplayLog:
    """The steps since the start, without their images."""

    def __init__(self, truth: Truth):
        self._truth = truth
        self._rows: list[tuple] = []

    def add(self, step: ReplayedFrame) -> None:
        """Note one frame; frames before the start are left out."""
        answer = step.answer
        if not self._rows:
            if answer.target is None:
                return
            self._size = answer.image.shape[1::-1]
        gate = answer.result.gate if answer.result else None
        true = self._truth.boxes.get(step.frame.index)
        self._rows.append(
            (
                step.last_box or ABSENT,
                true or ABSENT,
                answer.score,
                step.seconds,
                answer.box is None,
                gate.weights if gate else (np.nan,) * len(BRANCHES),
                BRANCHES.index(gate.branch) if gate else -1,
                true is not None,
            )
        )

    def result(self, name: str) -> SequenceResult:
        """All of them, for evaluation."""
        columns = zip(COLUMNS.items(), zip(*self._rows, strict=True), strict=True)
        arrays = {column: np.array(values, kind) for (column, kind), values in columns}
        return SequenceResult(sequence=name, size=self._size, **arrays)


def _message(frame: Frame, levels: Levels):
    """The frame as a bgr8 image message without a copy; the header is the recorded one.

    Values of more than 8 bits are the worker's to reduce, for the range is chosen by the target.
    """
    if levels.range:
        return frame.recorded.message
    image = np.ascontiguousarray(frame.image)
    height, width = image.shape[:2]
    return SimpleNamespace(
        header=frame.recorded.message.header,
        height=height,
        width=width,
        encoding="bgr8",
        step=3 * width,
        is_bigendian=0,
        data=image.reshape(-1),
    )
