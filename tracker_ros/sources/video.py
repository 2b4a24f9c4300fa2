"""Video files and cameras through OpenCV."""

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import cv2

from ..core.errors import SourceError
from ..core.io.names import utf8_name
from .base import DEFAULT_FPS, Frame, Source
from .folder import IMAGE_SUFFIXES

logger = logging.getLogger(__name__)

# Frames of which the stamps are looked at when a video is opened; more where they are odd. What is
# off by this factor is no changing rate any more.
_FEW, _MANY, _FAR = 10, 100, 1.5


class VideoSource(Source):
    """Frames of a video file, turned as its players turn them.

    Stamps are the container's, from the first frame on: phones and screen recorders film at
    changing rates. Where a container has none, they are the frame's index over its rate.
    """

    def __init__(self, path: Path, rate: float | None = None, loop: bool = False):
        super().__init__(str(path), rate, loop)
        if path.suffix.lower() in IMAGE_SUFFIXES:
            raise SourceError(f"{path} is a single picture; name the folder that holds it")
        self._path = path
        capture = self._open()
        told = capture.get(cv2.CAP_PROP_FPS)
        told = told if 0 < told < 1e6 else DEFAULT_FPS
        # Many containers know no count: it is the length in seconds times the rate they tell.
        self._count = max(0, int(capture.get(cv2.CAP_PROP_FRAME_COUNT)))
        self._seconds = self._count / told
        self._own_fps = _measured_fps(capture, told)
        capture.release()
        self.fps = rate or self._own_fps
        self.length = round(self._seconds * self._own_fps) or None

    def _open(self) -> cv2.VideoCapture:
        with utf8_name(self._path) as name:
            capture = cv2.VideoCapture(name)
        if not capture.isOpened():
            raise SourceError(f"{self._path} is not a video that OpenCV can decode")
        return capture

    def _read(self) -> Iterator[Frame]:
        capture = self._open()
        index, stamp, first, period = 0, 0, 0.0, round(1e9 / self._own_fps)
        try:
            while True:
                ok, image = capture.read()
                if not ok:
                    break
                position = capture.get(cv2.CAP_PROP_POS_MSEC)
                if index == 0:
                    first = position
                else:  # where positions do not rise, they say nothing
                    told = round((position - first) * 1e6)
                    stamp = told if told > stamp else stamp + period
                yield Frame(stamp, image, f"{self._path.name}#{index}", index)
                index += 1
        finally:
            capture.release()
        seconds = stamp / 1e9 + 1 / self._own_fps
        # Both are estimates, which only a damaged file makes far too high.
        if index < 0.95 * self._count - 1 and seconds < 0.95 * self._seconds:
            logger.warning(
                "%s ends after %d frames, at %.3g of the %.3g s that its header promises",
                self._path,
                index,
                seconds,
                self._seconds,
            )


def _measured_fps(capture: cv2.VideoCapture, told: float) -> float:
    """The rate that a container tells, or what its first stamps say where that is far from it.

    WebM tells the clock's 1000 ticks a second where its writer gave no rate.
    """
    positions: list[float] = []
    for some in (_FEW, _MANY):
        while len(positions) < some and capture.grab():
            positions.append(capture.get(cv2.CAP_PROP_POS_MSEC))
        span = positions[-1] - positions[0] if positions else 0
        measured = 1000 * (len(positions) - 1) / span if span > 0 else told
        if 1 / _FAR < measured / told < _FAR:
            return told
    return measured


class CameraSource(Source):
    """Frames of the camera with a given index, stamped with the wall clock as they arrive."""

    live = True

    def __init__(self, index: int, rate: float | None = None, loop: bool = False):
        super().__init__(f"camera {index}", rate, loop)
        self._capture = cv2.VideoCapture(index)
        if not self._capture.isOpened():
            raise SourceError(f"camera {index} cannot be opened")
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        self.fps = rate or (fps if 0 < fps < 1e6 else None)

    def _read(self) -> Iterator[Frame]:
        index = 0
        while True:
            ok, image = self._capture.read()
            if not ok:
                raise SourceError(f"{self.name} delivers no picture after {index} frames")
            yield Frame(time.time_ns(), image, f"{self.name}#{index}", index)
            index += 1

    def close(self) -> None:
        super().close()
        self._capture.release()
