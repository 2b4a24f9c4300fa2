"""The slot of received images: the newest for the worker, the last seconds for starts in the past.

It needs no ROS: a message is any object.
"""

import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..conversions.stamps import seconds
from .stream_clock import PERSISTENT, StreamClock, Verdict

# The history also ends at these, for large images and for cameras whose stamps stand still.
MAX_BYTES = 256 * 2**20
MAX_FRAMES = 1000


@dataclass(frozen=True)
class ReceivedImage:
    """One received image.

    stamp: nanoseconds, from its header. arrival: seconds, ``time.monotonic()``.
    number: counts the frames that the slot took, from 1. epoch: counts jumps back in time.
    time: nanoseconds since the first frame: by the stamps, and by the arrivals where these jump or
    stand still.
    """

    number: int
    epoch: int
    stamp: int
    arrival: float
    message: Any
    time: int = 0


class FrameSlot:
    """The newest frame and a ring of those before it; safe between threads.

    history: seconds of frames to keep. time_jump: seconds; a clock that goes back by more begins
    another epoch. After a jump in either direction, the ring holds only frames of the new clock.
    """

    def __init__(self, history: float, time_jump: float):
        self._history = round(history * 1e9)
        self._clock = StreamClock(round(time_jump * 1e9))
        self._condition = threading.Condition()
        self._ring: deque[tuple[ReceivedImage, int]] = deque()
        self._held: list[tuple[Any, int, int, float]] = []  # until it is known whether they fit
        self._bytes = 0
        self._epoch = 0
        self._last_used = 0
        self._last_held = 0  # up to this number every frame is wanted, not the newest alone
        self._awake = False
        self.received = 0  # frames that arrived in order
        self.dropped = 0  # frames that no worker ever used, out of order or overtaken
        self.misfits = 0  # frames whose stamps did not fit in

    def put(self, message: Any, stamp: int, size: int) -> Verdict:
        """Store an image of ``size`` bytes; never waits for the worker.

        Returns what the slot's clock says of its stamp.
        """
        with self._condition:
            arrival = time.monotonic()
            verdict = self._clock.judge(stamp, round(arrival * 1e9))
            self._held.append((message, stamp, size, arrival))
            if verdict.accepted:
                self._take(verdict)
                self._condition.notify_all()
            else:
                self._leave_out(PERSISTENT - 1)
            return verdict

    def _take(self, verdict: Verdict) -> None:
        """Put the frames that are held, and believed now, into the ring."""
        before = self._newest()
        if verdict.jumped:
            self._epoch += verdict.back
            self._forget(len(self._ring))
        self._forget(verdict.withdrawn)
        self.misfits += verdict.withdrawn
        self._leave_out(verdict.frames)
        before, jumped = self._newest() or before, verdict.jumped
        for message, stamp, size, arrival in self._held:
            self._add(message, stamp, size, arrival, _time(before, stamp, arrival, jumped))
            before, jumped = self._newest(), False
        if verdict.jumped:
            self._last_held = self.received
        self._held = []

    def _add(self, message: Any, stamp: int, size: int, arrival: float, now: int) -> None:
        self.received += 1
        frame = ReceivedImage(self.received, self._epoch, stamp, arrival, message, now)
        self._ring.append((frame, size))
        self._bytes += size
        while len(self._ring) > 1 and self._is_over(stamp):
            self._bytes -= self._ring.popleft()[1]

    def _newest(self) -> ReceivedImage | None:
        return self._ring[-1][0] if self._ring else None

    def _leave_out(self, keep: int) -> None:
        """Drop all but the last ``keep`` of the frames that are held."""
        count = max(len(self._held) - keep, 0)
        del self._held[:count]
        self.dropped += count
        self.misfits += count

    def _forget(self, count: int) -> None:
        """Take the last ``count`` frames out of the ring."""
        for _ in range(min(count, len(self._ring))):
            self._bytes -= self._ring.pop()[1]

    def _is_over(self, newest: int) -> bool:
        too_old = newest - self._ring[0][0].stamp > self._history
        return too_old or self._bytes > MAX_BYTES or len(self._ring) > MAX_FRAMES

    def wait(self, timeout: float) -> ReceivedImage | None:
        """Wait for a frame that was not used yet; the newest one, after all those that were held.

        None after ``wake`` or ``timeout``.
        """
        with self._condition:
            self._condition.wait_for(lambda: self._awake or self._fresh(), timeout)
            if self._awake:
                self._awake = False
                return None
            # Each of those that were held for a while comes before the newest.
            return next(iter(self._unused_of_held()), self._ring[-1][0]) if self._fresh() else None

    def _unused_of_held(self) -> list[ReceivedImage]:
        if self._last_used >= self._last_held:
            return []
        numbers = range(self._last_used + 1, self._last_held + 1)
        return [frame for frame, _ in self._ring if frame.number in numbers]

    def held_before(self, frames: Iterable[ReceivedImage | None]) -> list[ReceivedImage]:
        """The frames that were held, are not used yet, and came before all of ``frames``."""
        with self._condition:
            first = min((frame.number for frame in frames if frame), default=0)
            return [frame for frame in self._unused_of_held() if frame.number < first]

    def _fresh(self) -> bool:
        return bool(self._ring) and self._ring[-1][0].number > self._last_used

    def wake(self) -> None:
        """End the current ``wait``, or else the next one."""
        with self._condition:
            self._awake = True
            self._condition.notify_all()

    def use(self, frame: ReceivedImage) -> None:
        """Count ``frame`` as used, and those between it and the last used one as dropped."""
        with self._condition:
            self.dropped += max(frame.number - self._last_used - 1, 0)
            self._last_used = max(frame.number, self._last_used)

    def find(self, stamp: int, vouched: bool = False) -> ReceivedImage | None:
        """The frame with exactly this stamp, the newest for stamp 0; None if it is not there.

        vouched: the caller has seen the frame, so its stamp is right even if it was in doubt.
        """
        with self._condition:
            if stamp == 0 and self._ring:
                return self._ring[-1][0]
            if vouched:
                verdict = self._clock.believe(stamp, round(time.monotonic() * 1e9))
                if verdict:
                    self._take(verdict)
            return next((frame for frame, _ in reversed(self._ring) if frame.stamp == stamp), None)

    def after(self, number: int) -> list[ReceivedImage]:
        """The frames in the ring that came after frame ``number``, oldest first."""
        with self._condition:
            return [frame for frame, _ in self._ring if frame.number > number]

    def is_fresh(self, frame: ReceivedImage) -> bool:
        """Whether neither ``frame`` nor a later one was used."""
        with self._condition:
            return frame.number > self._last_used

    def describe(self) -> str:
        """The time range of the stored frames, in words."""
        with self._condition:
            if not self._ring:
                return "no frame has come yet"
            oldest, newest = (seconds(self._ring[i][0].stamp) for i in (0, -1))
            return f"the frames at hand are from {oldest} to {newest}"


def _time(before: ReceivedImage | None, stamp: int, arrival: float, jumped: bool) -> int:
    """The ``time`` of the frame that comes after ``before``."""
    if before is None:
        return 0
    if jumped or stamp <= before.stamp:
        return before.time + round((arrival - before.arrival) * 1e9)
    return before.time + stamp - before.stamp
