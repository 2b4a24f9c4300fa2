"""The thread that tracks: takes frames from the slot, tracks, and hands answers to a sink.

It needs no ROS. Only this thread uses the trackers; no method that other threads call waits for
the network.
"""

import math
import threading
import time
from collections.abc import Iterator

import numpy as np

from ..conversions.stamps import seconds
from ..core.errors import InputError, TrackerError
from ..core.io.levels import Levels
from ..core.search import check_shown
from ..core.tracker import Tracker
from .answer import Answer, Sink
from .catching_up import frames_after
from .decoding import Decoder
from .detector import Detector
from .frame_slot import FrameSlot, ReceivedImage
from .requests import Policy, Proposal, Start, Starts, left_of, without
from .targets import Targets, Track

# A box and its image travel on different topics: either may come first.
START_PATIENCE = 1.0  # seconds


class Worker:
    """Runs trackers on the frames of a slot, in a thread between ``start`` and ``stop``."""

    def __init__(
        self,
        tracker: Tracker,
        slot: FrameSlot,
        sink: Sink,
        ids: Iterator[int] | None = None,
        policy: Policy | None = None,
    ):
        self._tracker = tracker
        self._slot = slot
        self._sink = sink
        self._policy = policy or Policy()
        self._thread = threading.Thread(target=self._run, name="tracking", daemon=True)
        # Held while an answer goes out, and where targets and requests change; never by inference.
        self._lock = threading.Lock()
        self._resets = 0
        self._starting: set[str] = set()  # ids of the starts that are being made
        self._requests: list[tuple[Starts | Proposal, float]] = []  # and until when each may wait
        self._targets = Targets(tracker, ids)
        self._detector = Detector(self._targets, self._policy)
        self._levels = Levels()  # of the images, where they have more than 8 bits
        self._decoder = Decoder()
        self._tried: tuple[int, ...] | None = None  # size of the frame that started by patience
        self._epoch = 0
        self._running = True
        self._enabled = True

    def start(self) -> None:
        """Start the thread; once."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread after the frame it is working on, and forget the targets."""
        self._running = False
        self._slot.wake()
        self._thread.join()
        self._forget()

    @property
    def enabled(self) -> bool:
        """Whether it tracks. What came while it did not is left out, used by then or not."""
        return self._enabled

    @enabled.setter
    def enabled(self, value: bool) -> None:
        with self._lock:  # no answer is on its way out when this returns
            if not self._enabled:
                newest = self._slot.find(0)
                if newest:
                    self._slot.use(newest)
                # Detectors go on, and the frames of what they found were left out.
                self._requests = [one for one in self._requests if one[1] == math.inf]
            self._enabled = value

    def request(self, request: Start | Starts | Proposal, patience: float = START_PATIENCE) -> None:
        """Ask for starts, or hand in a proposal; its frame may take ``patience`` seconds to come.

        With infinite patience starts are for the first frame that shows something in each box, and
        are made anew if the next one has another size: a camera may begin with an odd image. A
        single ``Start`` replaces all targets. What becomes of the requests before it: ``left_of``.
        """
        if isinstance(request, Start):
            request = Starts((request,), alone=True)
        with self._lock:
            if patience == math.inf:
                self._tried = None
            waiting = [(left_of(one, request), until) for one, until in self._requests]
            self._requests = [(one, until) for one, until in waiting if one]
            self._requests.append((request, time.monotonic() + patience))
        self._slot.wake()

    def _is_superseded(self) -> bool:
        """Whether somebody asks for another target instead of all."""
        return any(
            isinstance(one, Starts) and one.alone and until < math.inf
            for one, until in list(self._requests)
        )

    def reset(self) -> bool:
        """Forget all targets; later answers do not contain them. Returns whether there was one."""
        with self._lock:
            self._requests, self._starting = [], set()
            self._resets += 1
            return self._targets.clear()

    def remove(self, target_id: str) -> bool:
        """Forget one target, and starts of it that wait or are being made.

        Later answers do not contain it. Returns whether there was any.
        """
        with self._lock:
            left = [(without(one, {target_id}), until) for one, until in self._requests]
            waited = [one for one, _ in left] != [one for one, _ in self._requests]
            self._requests = [(one, until) for one, until in left if one]
            begun = target_id in self._starting
            self._starting.discard(target_id)
            return self._targets.remove(target_id) or waited or begun

    def _forget(self) -> None:
        with self._lock:
            self._targets.clear()
        self._tracker.reset()

    def _drop(self, error: Exception) -> str:
        """Forget all targets; why, in a sentence, which is reported, too."""
        many = len(self._targets) > 1
        self._forget()
        reason = (str(error).splitlines() or [""])[0]
        who = "all targets were" if many else "the target was"
        problem = f"tracking failed and {who} dropped: {type(error).__name__}: {reason}"
        self._sink.report("failure", problem)
        return problem

    def _run(self) -> None:
        while self._running:
            self.turn()

    def turn(self) -> None:
        """Serve requests and process the newest frame; wait for a while if there is neither."""
        try:
            self._turn()
        except Exception as error:  # whatever it was, the next frames may work again
            self._drop(error)

    def _turn(self) -> None:
        frame = self._slot.wait(0.1 if self._requests else 1.0)
        if self.enabled:
            for request in list(self._requests):
                self._serve(*request)
        # Serving a request may have used the frame already.
        if frame is None or not self._slot.is_fresh(frame):
            return
        if self.enabled:
            self._process(frame)
        else:
            self._slot.use(frame)

    # Requests

    def _serve(self, request: Starts | Proposal, deadline: float) -> None:
        entries = request.entries if isinstance(request, Starts) else (request,)
        with self._lock:
            if all(one is not request for one, _ in self._requests):
                return  # superseded, or reset, while others were served
            vouched = isinstance(request, Starts)
            frames = [self._slot.find(entry.stamp, vouched) for entry in entries]
            if None in frames and time.monotonic() < deadline:
                return
            if deadline < math.inf:
                self._requests.remove((request, deadline))
            elif isinstance(request, Starts) and not self._is_to_be_tried(request, frames[0]):
                return
            resets = self._resets
            if isinstance(request, Starts):
                self._starting = {start.id for start in request.entries if start.id}
        for frame in self._slot.held_before(frames):
            self._process(frame)
        if isinstance(request, Proposal):
            self._propose(request, frames[0], resets)
        else:
            self._start(request, frames, resets)

    def _is_to_be_tried(self, starts: Starts, frame: ReceivedImage | None) -> bool:
        """Whether to start on this frame; where the last try was on one of its size, that counts.

        Frames that were used had their chance.
        """
        if frame is None or not self._slot.is_fresh(frame):
            return False
        try:
            image = self._pixels(frame)
        except InputError:
            return False  # which is said when the frame is processed
        if image.shape == self._tried:
            self._requests.remove((starts, math.inf))
            return False
        try:
            for start in starts.entries:
                check_shown(image, start.box)
        except InputError as error:
            self._sink.report("waiting", f"the start waits for another image: {error}")
            return False
        self._sink.report("waiting", None)
        self._tried = image.shape
        return True

    def _is_wanted(self, resets: int) -> bool:
        """Whether nobody has ended or reset it since; 64 starts take seconds."""
        return self._running and self._resets == resets

    def _start(self, starts: Starts, frames: list[ReceivedImage | None], resets: int) -> None:
        problems, begun = list(starts.problems), []
        for start, frame in zip(starts.entries, frames, strict=True):
            if not self._is_wanted(resets):
                return
            try:
                if self._start_one(start, frame, starts.alone, resets):
                    begun.append(frame)
            except TrackerError as error:
                named = f"target {start.id}: " if start.id and not starts.alone else ""
                problems.append(f"{named}{error}")
            finally:
                self._starting.discard(start.id)
        if problems:
            self._sink.report("init" if starts.alone else "inits", "; ".join(problems))
        else:
            for subject in ("init", "inits"):
                self._sink.report(subject, None)
        if begun:
            self._catch_up(min(begun, key=lambda frame: frame.number), resets)

    def _start_one(
        self, start: Start, frame: ReceivedImage | None, alone: bool, resets: int
    ) -> bool:
        """Whether it was started, and nobody has forgotten it meanwhile. Raises TrackerError."""
        if self._is_withdrawn(start):
            return False
        count, most = len(self._targets), self._policy.max_targets
        if not alone and start.id not in self._targets and count >= most:
            raise InputError(
                f"the box was not started on: {count} targets are tracked already, and max_targets"
                f" is {most}"
            )
        elsewhere = frame is not None and frame.epoch != self._epoch
        fresh = alone or elsewhere or not len(self._targets)
        image, levels = self._image_for(start, frame, None if fresh else self._levels)
        track = self._targets.start(start, frame, image, alone or elsewhere)
        with self._lock:
            if self._resets != resets:
                return False
            if alone or elsewhere:
                self._targets.clear()
            if self._is_withdrawn(start):
                return False
            self._targets.add(track, frame, image)
        self._levels, self._epoch = levels, frame.epoch
        return True

    def _is_withdrawn(self, start: Start) -> bool:
        """Whether somebody has removed the target of a start that is being made."""
        return bool(start.id) and start.id not in self._starting

    def _propose(self, proposal: Proposal, frame: ReceivedImage | None, resets: int) -> None:
        try:
            if not len(self._targets):
                self._levels = Levels()
            elif frame is not None and frame.epoch != self._epoch:
                return
            image, _ = self._image_for(proposal, frame, self._levels)
            begun, problems = self._detector.consider(
                proposal, frame, image, lambda: self._is_wanted(resets)
            )
        except TrackerError as error:
            begun, problems = [], [str(error)]
        if problems:
            self._sink.report("detections", "; ".join(problems))
        with self._lock:
            if self._resets != resets:
                return
            for track in begun:
                self._targets.add(track, frame, image)
                self._epoch = frame.epoch
        if frame is not None and (begun or self._detector.found_again):
            self._catch_up(frame, resets)

    def _image_for(
        self, request: Start | Proposal, frame: ReceivedImage | None, levels: Levels | None
    ) -> tuple[np.ndarray, Levels]:
        if frame is None:
            raise InputError(
                f"no frame with the stamp {seconds(request.stamp)} of the box to"
                f" start on; {self._slot.describe()}"
            )
        frame_id = frame.message.header.frame_id
        if request.frame_id and request.frame_id != frame_id:
            raise InputError(
                f"a box to start on is in the coordinate frame {request.frame_id!r},"
                f" but the image is in {frame_id!r}"
            )
        return self._decoder.decode(frame, levels)

    def _pixels(self, frame: ReceivedImage) -> np.ndarray:
        """A frame's pixels, by its own levels until there is a target, whose are kept.

        Raises InputError.
        """
        levels = self._levels if len(self._targets) else None
        image, self._levels = self._decoder.decode(frame, levels)
        return image

    def _catch_up(self, frame: ReceivedImage, resets: int) -> None:
        """Answer the frame of a start, and track through those that came after it.

        Targets that were there before are not tracked again.
        """
        if not len(self._targets) or self._resets != resets:
            return
        self._process(frame)
        for later in frames_after(self._slot, frame.number):
            if not (self.enabled and self._is_wanted(resets)):
                return
            if self._is_superseded() or not len(self._targets):
                return
            self._process(later)

    # Frames

    def _process(self, frame: ReceivedImage) -> None:
        self._slot.use(frame)
        if frame.epoch != self._epoch:
            self._epoch = frame.epoch
            if len(self._targets):
                self._forget()
                self._sink.report(
                    "tracking", "image stamps jumped back in time: the target was dropped"
                )
        try:
            image = self._pixels(frame)
        except InputError as error:
            self._sink.refuse(frame, "ERROR", str(error))
            return
        try:
            located = self._locate(frame, image)
        except Exception as error:  # engines raise anything, and leave who knows what behind
            answer = Answer(frame, image, state="ERROR", problem=self._drop(error))
            self._sink.publish(answer)
            self._sink.finish(answer)
            return
        with self._lock:
            self._sink.publish(self._answer(frame, image))
        self._targets.remember(located, frame)
        self._targets.rest()
        with self._lock:
            answer = self._answer(frame, image)
            self._sink.finish(answer)
            gone = self._targets.drop_outgrown(image)
            limit = self._policy.remove_lost_after
            removed = self._targets.overdue(frame, limit)
            for one in removed:
                self._targets.remove(one)
        if removed:
            gone.append(f"removed {limit:g} s after they were lost: {', '.join(removed)}")
        if gone:
            self._sink.report("targets", "; ".join(gone))

    def _answer(self, frame: ReceivedImage, image: np.ndarray) -> Answer:
        return self._targets.answer(frame, image, str(self._levels))

    def _locate(self, frame: ReceivedImage, image: np.ndarray) -> list[Track]:
        """The tracks that were found a place for. Raises whatever the engine does."""
        located = self._targets.locate(frame, image)
        for subject, said in (("tracking", located.problems), ("targets", located.yielded)):
            if said:
                self._sink.report(subject, "; ".join(dict.fromkeys(said)))
        return located.tracks
