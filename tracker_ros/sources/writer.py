"""Writes pictures as a video file."""

from __future__ import annotations

import logging
import resource
import shutil
from contextlib import AbstractContextManager
from pathlib import Path

import cv2
import numpy as np

from ..core.errors import SourceError
from ..core.io.files import Draft, is_stream
from ..core.io.names import utf8_name

logger = logging.getLogger(__name__)

CODECS = {".mp4": "mp4v", ".avi": "MJPG"}
# Frames per second that can be written: MPEG-4 counts time in 1/65535 s at the finest, OpenCV takes
# three decimals, and AVI's are read back wrong above 600.
SLOWEST, FASTEST, FINEST = 0.002, {".mp4": 65535.0, ".avi": 600.0}, 65535
# Room that is left on the disk for a video's index, which comes last; and for each frame's entry.
ROOM, ENTRY = 1 << 16, 64


def writable_rate(fps: float, suffix: str) -> float:
    """The rate nearest to ``fps``, in frames per second, that a video can be written at."""
    fps = min(max(fps, SLOWEST), FASTEST[suffix])
    rates = (round(fps * base) / base for base in (1000, 100, 10, 1) if fps * base <= FINEST)
    return next(rates)


class VideoWriter(AbstractContextManager):
    """Writes .mp4 or .avi; as a context manager it leaves a playable file whatever happens.

    The file takes the place of an older one when it is done; see ``core.io.files.Draft.end`` for
    what becomes of it otherwise. The first picture gives the size, to which others are scaled.
    Raises SourceError for another suffix, a path that cannot be written, and a full disk.
    """

    def __init__(self, path: Path, fps: float):
        if path.suffix.lower() not in CODECS:
            raise SourceError(f"{path} is no video that can be written; end it in .mp4 or .avi")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if is_stream(path):
                raise SourceError(f"{path} is no regular file, and no video can be written to it")
            self._draft = Draft(path, path.suffix, grows=True)
        except OSError as error:
            raise SourceError(f"{path} cannot be written: {error.strerror}") from None
        self._path, self._fps = path, writable_rate(fps, path.suffix.lower())
        if abs(self._fps / fps - 1) > 0.01:
            logger.warning("%s is written at %g frames/s instead of %g", path, self._fps, fps)
        self._writer: cv2.VideoWriter | None = None
        self._frames = self._largest = self._written = 0

    def write(self, image: np.ndarray) -> None:
        """Append a picture, uint8 [H, W, 3] BGR."""
        if self._writer is None:
            self._open(*image.shape[1::-1])
        if image.shape[1::-1] != self._size:
            image = cv2.resize(image, self._size, interpolation=cv2.INTER_AREA)
        self._check_room()
        self._writer.write(image)
        self._frames += 1

    def _open(self, width: int, height: int) -> None:
        self._size = (max(2, width // 2 * 2), max(2, height // 2 * 2))  # MPEG-4 needs even
        self._largest = self._size[0] * self._size[1] // 4  # as long as nothing has been written
        codec = cv2.VideoWriter.fourcc(*CODECS[self._path.suffix.lower()])
        part = self._draft.part
        with utf8_name(part) as name:
            self._writer = cv2.VideoWriter(name, codec, self._fps, self._size)
        if not self._writer.isOpened():
            raise SourceError(f"{self._path} cannot be written as a video")

    def _check_room(self) -> None:
        """OpenCV does not say when a disk is full; and then the index would be missing."""
        part = self._draft.part
        size = part.stat().st_size if part.exists() else 0
        self._largest = max(self._largest, size - self._written)
        self._written = size
        room = shutil.disk_usage(part.parent).free
        limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
        if limit != resource.RLIM_INFINITY:
            room = min(room, limit - size)
        if room < ROOM + 2 * self._largest + ENTRY * self._frames:
            raise SourceError(f"{self._path}: the disk is full after {self._frames} frames")

    def __exit__(self, kind, error, traceback) -> None:
        if self._writer is None:
            return
        self._writer.release()
        whole = not self._frames or _last_frame_is_there(self._draft.part, self._frames)
        if self._frames == 0:
            self._draft.drop()
        elif whole:
            self._draft.end(error)
        else:
            left = self._draft.part
            raise SourceError(
                f"{self._path} could not be written to its end (a full disk?); see {left}"
            ) from error


def _last_frame_is_there(path: Path, frames: int) -> bool:
    with utf8_name(path) as name:
        capture = cv2.VideoCapture(name)
    try:
        if int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) < frames:
            return False
        capture.set(cv2.CAP_PROP_POS_FRAMES, frames - 1)
        return capture.read()[0]
    finally:
        capture.release()
