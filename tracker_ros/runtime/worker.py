"""The thread that tracks: takes frames from the slot, tracks, and hands answers to a sink.

No ROS in here. Only this thread uses the tracker; nothing that others call waits for the network.
"""

import itertools
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from ..conversions import to_bgr
from ..core.boxes import Box, check_box
from ..core.errors import InputError, TrackerError
from ..core.gate import Gate
from ..core.levels import Levels
from ..core.state import TargetState
from ..core.tracker import Result, Tracker
from .frame_slot import Frame, FrameSlot, spread

# A box and its image travel on different topics: either may come first.
START_PATIENCE = 1.0  # seconds
MAX_CANDIDATES = 8  # of one proposal; each costs a call of the network


@dataclass(frozen=True)
class Target:
    """Who is tracked; the id is new for every successful initialisation."""

    id: str
    class_id: str


@dataclass(frozen=True)
class Start:
    """A request to track what is in ``box`` in the frame stamped ``stamp`` (ns; 0: the newest).

    frame_id: the coordinate frame of the box; empty: that of the image. id: the target's id; empty
    for a new number.
    """

    box: Box
    stamp: int = 0
    id: str = ""
    class_id: str = ""
    frame_id: str = ""


@dataclass(frozen=True)
class Candidate:
    """What a detector takes for an object of a class."""

    box: Box
    class_id: str


@dataclass(frozen=True)
class Proposal:
    """What a detector found in the frame stamped ``stamp``, the surest first.

    It is followed only while there is no target, which starts a new one on the first, or while the
    target is lost, which is then looked for in those of its class.
    """

    candidates: tuple[Candidate, ...]
    stamp: int = 0
    frame_id: str = ""


@dataclass(frozen=True)
class Answer:
    """What is known of one frame.

    image: uint8 (H, W, 3) BGR. target: None where nothing is tracked. result: None without target,
    for the frame of the start, and where tracking failed. box: (x, y, w, h) pixels or None.
    levels: the range of values that became `image`, where they had more than 8 bits.
    """

    frame: Frame
    image: np.ndarray
    target: Target | None = None
    result: Result | None = None
    box: Box | None = None
    state: str = "NO_TARGET"
    score: float = 0.0
    levels: str = ""


class Sink(Protocol):
    """Where the worker's answers go."""

    def publish(self, answer: Answer) -> None:
        """The box of a frame, as soon as it is known."""

    def finish(self, answer: Answer, gate: Gate | None, memory_size: int) -> None:
        """The same frame once more; `gate` is the decision if it was memorised."""

    def refuse(self, frame: Frame, state: str, problem: str) -> None:
        """Why a frame has no answer, in one sentence; ``state`` is ERROR or, misfit, DROPPED."""

    def report(self, subject: str, problem: str | None) -> None:
        """One sentence about a `subject` (init, tracking), or None: it is well again."""


class Worker:
    """Runs a tracker on the frames of a slot, in a thread between `start` and `stop`."""

    def __init__(self, tracker: Tracker, slot: FrameSlot, sink: Sink,
                 ids: Iterator[int] | None = None):  # fmt: skip
        self._tracker = tracker
        self._slot = slot
        self._sink = sink
        self._ids = ids or itertools.count(1)
        self._thread = threading.Thread(target=self._run, name="tracking", daemon=True)
        # Held while an answer goes out, and where target and request change; never by inference.
        self._lock = threading.Lock()
        self._resets = 0
        self._request: tuple[Start | Proposal, float] | None = None  # and until when it may wait
        self._target: Target | None = None
        self._lost = False
        self._size = (0, 0)  # width and height of the images of this target
        self._levels = Levels()  # of its images, where they have more than 8 bits
        self._epoch = 0
        self._running = True
        self.enabled = True

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread after the frame it is working on, and forget the target."""
        self._running = False
        self._slot.wake()
        self._thread.join()
        self._forget()

    def request(self, request: Start | Proposal, patience: float = START_PATIENCE) -> None:
        """Start on a target; its frame may take ``patience`` seconds. The last request counts.

        But a detector's proposal does not replace what somebody has asked for.
        """
        with self._lock:
            if isinstance(request, Proposal) and self._is_asked_for():
                return
            self._request = (request, time.monotonic() + patience)
        self._slot.wake()

    def _is_asked_for(self) -> bool:
        return self._request is not None and isinstance(self._request[0], Start)

    def reset(self) -> bool:
        """Forget the target; no later answer is about it. Returns whether there was one."""
        with self._lock:
            had_target = self._target is not None
            self._request = self._target = None
            self._resets += 1
        return had_target

    def _forget(self) -> None:
        self._tracker.reset()
        with self._lock:
            self._target = None

    def _drop(self, error: Exception) -> None:
        self._forget()
        reason = (str(error).splitlines() or [""])[0]
        kind = type(error).__name__
        self._sink.report(
            "tracking", f"tracking failed and the target was dropped: {kind}: {reason}"
        )

    def _run(self) -> None:
        while self._running:
            self.turn()

    def turn(self) -> None:
        """Serve a request and work on the newest frame; waits a while if there is neither."""
        try:
            self._turn()
        except Exception as error:  # whatever it was, the next frames may work again
            self._drop(error)

    def _turn(self) -> None:
        frame = self._slot.wait(0.1 if self._request else 1.0)
        if self._request and self.enabled:
            self._serve_request()
        # Serving a request may have used the frame already.
        if frame is None or not self._slot.is_fresh(frame):
            return
        if self.enabled:
            self._process(frame)
        else:
            self._slot.use(frame)

    def _serve_request(self) -> None:
        with self._lock:
            if self._request is None:
                return
            request, deadline = self._request
            frame = self._slot.find(request.stamp)
            if frame is None and time.monotonic() < deadline:
                return
            self._request = None
            target, resets = self._target, self._resets
        proposed = isinstance(request, Proposal)
        if proposed and target and not self._lost:
            return
        subject = "detections" if proposed else "init"
        try:
            levels = self._levels if proposed and target else Levels()
            image = self._image_for(request, frame, levels)
            if not proposed:
                answer = self._start(request, frame, image)
            elif target:
                answer = self._find_again(request, frame, image, target)
            else:
                answer = self._start_on_best(request, frame, image)
        except TrackerError as error:
            self._sink.report(subject, str(error))
            return
        if answer is None:
            return
        answer, self._levels = replace(answer, levels=str(levels)), levels
        self._slot.use(frame)
        with self._lock:
            if self._resets != resets:
                self._tracker.reset()
                return
            self._target = answer.target
            if not proposed:
                self._sink.report("init", None)
            self._sink.publish(answer)
            self._sink.finish(answer, self._tracker.gate, self._tracker.memory_size)
        self._catch_up(frame, answer.target)

    def _image_for(
        self, request: Start | Proposal, frame: Frame | None, levels: Levels
    ) -> np.ndarray:
        if frame is None:
            raise InputError(f"no frame with the stamp {request.stamp / 1e9:.9f} of the box to"
                             f" start on; {self._slot.describe()}")  # fmt: skip
        frame_id = frame.message.header.frame_id
        if request.frame_id and request.frame_id != frame_id:
            raise InputError(f"a box to start on is in the coordinate frame {request.frame_id!r},"
                             f" but the image is in {frame_id!r}")  # fmt: skip
        return to_bgr(frame.message, levels)

    def _start_on_best(self, proposal: Proposal, frame: Frame, image: np.ndarray) -> Answer | None:
        for candidate in self._usable(proposal, image)[:1]:
            start = Start(candidate.box, class_id=candidate.class_id)
            return self._start(start, frame, image)
        return None

    def _find_again(
        self, proposal: Proposal, frame: Frame, image: np.ndarray, target: Target
    ) -> Answer | None:
        if frame.epoch != self._epoch:
            return None
        self._check_size(image)
        known = target.class_id
        usable = self._usable(proposal, image)
        boxes = [c.box for c in usable if not known or c.class_id == known]
        result = self._tracker.recover(image, boxes[:MAX_CANDIDATES])
        if result is None:
            return None
        self._lost = False
        return Answer(frame, image, target, result, result.box, result.state.name, result.score)

    def _usable(self, proposal: Proposal, image: np.ndarray) -> list[Candidate]:
        """Those whose boxes are in the image; the others are reported."""
        usable = []
        for candidate in proposal.candidates:
            try:
                check_box(candidate.box, image)
            except InputError as error:
                self._sink.report("detections", str(error))
            else:
                usable.append(candidate)
        return usable

    def _start(self, request: Start, frame: Frame, image: np.ndarray) -> Answer:
        self._tracker.init(image, request.box)
        target = Target(request.id or str(next(self._ids)), request.class_id)
        self._lost, self._size, self._epoch = False, image.shape[1::-1], frame.epoch
        # The tracker's box: the part of the start's that is in the image.
        return Answer(frame, image, target, None, self._tracker.last_box,
                      TargetState.TRACKING.name, 1.0)  # fmt: skip

    def _catch_up(self, frame: Frame, target: Target) -> None:
        """Track through the frames that came after the start's.

        Every pass may take half as many frames as the one before, so that it ends even if frames
        come faster than they can be tracked.
        """
        frames = self._slot.after(frame.number)
        budget = len(frames)
        while budget and frames:
            for frame in spread(frames, budget):
                if not (self._running and self.enabled and self._target is target):
                    return
                if self._is_asked_for():
                    return
                self._process(frame)
            frames = self._slot.after(frame.number)
            budget //= 2

    def _process(self, frame: Frame) -> None:
        self._slot.use(frame)
        if frame.epoch != self._epoch:
            self._epoch = frame.epoch
            if self._target:
                self._forget()
                self._sink.report("tracking", "image stamps jumped back in time: the target was"
                                              " dropped")  # fmt: skip
        try:
            image = to_bgr(frame.message, self._levels)
        except InputError as error:
            self._sink.refuse(frame, "ERROR", str(error))
            return
        answer = self._track(frame, image, self._target)
        with self._lock:
            answer = self._unless_reset(answer)
            self._sink.publish(answer)
        gate = self._tracker.remember() if answer.result else None
        with self._lock:
            answer = self._unless_reset(answer)
            self._sink.finish(answer, gate, self._tracker.memory_size)

    def _unless_reset(self, answer: Answer) -> Answer:
        """`answer`, or one without a target if that was forgotten in the meantime."""
        if answer.target is self._target:
            return answer
        self._tracker.reset()
        return Answer(answer.frame, answer.image)

    def _track(self, frame: Frame, image: np.ndarray, target: Target | None) -> Answer:
        if target is None:
            self._tracker.reset()
            return Answer(frame, image)
        try:
            self._check_size(image)
            result = self._tracker.locate(image)
        except TrackerError as error:
            self._sink.report("tracking", str(error))
            return Answer(frame, image, target, state="ERROR")
        except Exception as error:  # engines raise anything, and leave who knows what behind
            self._drop(error)
            return Answer(frame, image, state="ERROR")
        self._lost = result.state is TargetState.LOST
        return Answer(frame, image, target, result, result.box, result.state.name,
                      result.score, str(self._levels))  # fmt: skip

    def _check_size(self, image: np.ndarray) -> None:
        if image.shape[1::-1] != self._size:
            raise InputError(
                "image is {}x{} pixels, but was {}x{} when the target was initialised".format(
                    *image.shape[1::-1], *self._size
                )
            )
