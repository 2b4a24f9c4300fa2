"""Bounded memory: the first frame, a spread over the whole past, and the last confident frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")


def segment_centres(total: int, segments: int) -> list[int]:
    """Indices read out of ``total`` stored frames (STMTrack's rule, 0-based).

    All of them up to ``segments``; beyond, the first and the centre of each of ``segments`` equal
    parts of the past.
    """
    if total <= segments:
        return list(range(total))
    length = total // segments
    return [0, *(i * length + length // 2 for i in range(segments) if i * length + length // 2)]


@dataclass(frozen=True)
class FrameMemory(Generic[Item]):
    """Immutable store of memorised frames; constant size for any number of frames.

    Frames are kept at every ``stride``-th memorised frame. When more than ``capacity`` are kept,
    the stride doubles and every other one is forgotten: the kept frames stay spread evenly over
    the whole past and always include the first.
    """

    capacity: int
    kept: tuple[Item, ...] = ()
    last: Item | None = None
    stride: int = 1
    count: int = 0

    def add(self, item: Item, sure: bool = True) -> FrameMemory[Item]:
        """The memory with one more frame; it is read as the last one only if it is ``sure``."""
        kept, stride = self.kept, self.stride
        if self.count % stride == 0:
            kept = (*kept, item)
            if len(kept) > self.capacity:
                kept, stride = kept[::2], stride * 2
        return FrameMemory(self.capacity, kept, item if sure else None, stride, self.count + 1)

    def read(self, segments: int) -> list[Item]:
        """The frames to match a query with, at most ``segments`` + 2: first, spread ones, last."""
        chosen = [self.kept[index] for index in segment_centres(len(self.kept), segments)]
        if self.last is not None and all(item is not self.last for item in chosen):
            chosen.append(self.last)
        return chosen

    def __len__(self) -> int:
        """Frames held: the kept ones, and the last if it is not among them."""
        apart = self.last is not None and all(item is not self.last for item in self.kept[-1:])
        return len(self.kept) + apart
