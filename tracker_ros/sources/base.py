"""Base class of every source of frames: order, stamps, looping, closing."""

import math
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..core.errors import SourceError
from ..core.geometry.boxes import Box
from ..core.io.levels import Levels

DEFAULT_FPS = 30.0
SLOWEST = 1e-6  # frames per second; the stamps of slower ones soon are none that ROS has


@dataclass(frozen=True)
class RecordedImage:
    """The image message behind a frame of a bag: its CDR bytes, log time (ns) and fields."""

    data: bytes
    log_time: int
    message: Any


@dataclass(frozen=True)
class Frame:
    """One picture of a source.

    stamp_ns: nanoseconds; since the first frame for files, the header's stamp for bags,
        wall-clock time for cameras.
    image: uint8 array of shape [H, W, 3], BGR.
    name: where the picture comes from, for messages to people.
    index: position in the source from 0, the key of ``Source.truth``; repeats when looping.
    recorded: None but for bags.
    """

    stamp_ns: int
    image: np.ndarray
    name: str
    index: int
    recorded: RecordedImage | None = None


class Source(AbstractContextManager):
    """An iterable of frames that holds no more than one of them in memory.

    Attributes: ``fps`` (frames/s or None), ``length`` (frames of one pass or None where unknown),
    ``truth`` (index -> (x, y, w, h) in pixels, NaN where the target is absent; None without truth),
    ``truth_origin`` (the file or topic that the truth is from),
    ``live`` (whether frames come as they are taken, so that they need not be waited for),
    ``levels`` (what pictures of more than 8 bits are reduced by, chosen on the first of them).
    Iterating raises SourceError for what cannot be read; every ``iter()`` starts anew.
    """

    fps: float | None = None
    length: int | None = None
    truth: dict[int, Box] | None = None
    truth_origin: str | None = None
    live = False

    def __init__(self, name: str, rate: float | None = None, loop: bool = False):
        if rate is not None and not SLOWEST <= rate < math.inf:
            raise SourceError(
                f"rate is {rate}, but frames per second must be finite and at least {SLOWEST:g}"
            )
        self.name = name
        self._rate = rate
        self._loop = loop
        self._closed = False
        self.levels = Levels()

    @abstractmethod
    def _read(self) -> Iterator[Frame]:
        """Yield the frames of one pass with their own stamps."""

    def __iter__(self) -> Iterator[Frame]:
        if self._closed:
            raise SourceError(f"{self.name} is closed")
        self.levels = Levels()
        count = 0
        shift = 0
        while True:
            before = count
            first = last = None
            for frame in self._read():
                if first is None:
                    first = frame.stamp_ns
                stamp = (
                    first + round(count * 1e9 / self._rate)
                    if self._rate
                    else frame.stamp_ns + shift
                )
                last = frame.stamp_ns
                count += 1
                yield replace(frame, stamp_ns=stamp)
            if count == before:
                raise SourceError(f"{self.name} holds no frames")
            if not self._loop:
                return
            # The next pass continues one period after this one, so that time never jumps back.
            shift += last - first + round(1e9 / (self.fps or DEFAULT_FPS))

    def close(self) -> None:
        """Release what the source holds open; iterating afterwards raises SourceError."""
        self._closed = True

    def __exit__(self, *exc) -> None:
        self.close()
