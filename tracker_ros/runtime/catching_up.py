"""Which frames to track through from a start in the past to the newest one."""

import time
from collections.abc import Iterator

from .frame_slot import FrameSlot, ReceivedImage

LONGEST = 2.0  # seconds; who is slower leaves frames out


def frames_after(slot: FrameSlot, number: int) -> Iterator[ReceivedImage]:
    """The frames after frame ``number``, oldest first, as many as there is time for.

    The caller works on each before it asks for the next. Every pass over the slot may take half as
    many frames as the one before, so that it ends even if they come faster than they are tracked.
    """
    end = time.monotonic() + LONGEST
    frames = slot.after(number)
    budget = len(frames)
    while budget and frames:
        for frame in _in_time(spread(frames, budget), end):
            yield frame
        frames = slot.after(frame.number)
        budget //= 2


def _in_time(frames: list[ReceivedImage], end: float) -> Iterator[ReceivedImage]:
    """As many of ``frames`` as are done by ``end``, evenly spread; the last one in any case.

    What one takes is the mean of those before it.
    """
    began, done = time.monotonic(), 0
    while frames:
        yield frames[0]
        now, done = time.monotonic(), done + 1
        affordable = (end - now) * done / max(now - began, 1e-6)
        frames = spread(frames[1:], int(max(min(affordable, len(frames)), 1)))


def spread(frames: list[ReceivedImage], count: int) -> list[ReceivedImage]:
    """At most ``count`` of ``frames``, evenly spread, the last one always among them."""
    if len(frames) <= count:
        return frames
    return [frames[(i + 1) * len(frames) // count - 1] for i in range(count)]
