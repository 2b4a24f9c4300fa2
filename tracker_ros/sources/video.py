"""Video files and cameras through OpenCV."""

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import cv2

from ..core.errors import SourceError
from .base import DEFAULT_FPS, Frame, Source
from .folder import IMAGE_SUFFIXES

logger = logging.getLogger(__name__)


class VideoSource(Source):
    """Frames of a video file; a frame's stamp is its index over the file's frame rate."""

    def __init__(self, path: Path, rate: float | None = None, loop: bool = False):
        super().__init__(str(path), rate, loop)
        if path.suffix.lower() in IMAGE_SUFFIXES:
            raise SourceError(f"{path} is a single picture; name the folder that holds it")
        self._path = path
        capture = self._open()
        self._own_fps = capture.get(cv2.CAP_PROP_FPS)
        if not 0 < self._own_fps < 1e6:
            self._own_fps = DEFAULT_FPS
        frames = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        capture.release()
        self.fps = rate or self._own_fps
        self.length = frames if frames > 0 else None

    def _open(self) -> cv2.VideoCapture:
        capture = cv2.VideoCapture(str(self._path))
        if not capture.isOpened():
            raise SourceError(f"{self._path} is not a video that OpenCV can decode")
        return capture

    def _read(self) -> Iterator[Frame]:
        capture = self._open()
        try:
            index = 0
            while True:
                ok, image = capture.read()
                if not ok:
                    break
                stamp = round(index * 1e9 / self._own_fps)
                yield Frame(stamp, image, f"{self._path.name}#{index}", index)
                index += 1
        finally:
            capture.release()
        # Containers estimate their frame count; only a larger gap means a damaged file.
        if self.length is not None and index < 0.95 * self.length - 1:
            logger.warning(
                "%s ends after %d of the %d frames its header promises",
                self._path,
                index,
                self.length,
            )


class CameraSource(Source):
    """Frames of the camera with a given index, stamped with the wall clock as they arrive."""

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
