"""Writes pictures as a video file."""

from pathlib import Path

import cv2
import numpy as np

from ..core.errors import SourceError

CODECS = {".mp4": "mp4v", ".avi": "MJPG"}


class VideoWriter:
    """Writes .mp4 or .avi; as a context manager it leaves a playable file whatever happens.

    The first picture gives the size, to which others are scaled. Raises SourceError for another
    suffix and a path that cannot be written.
    """

    def __init__(self, path: Path, fps: float):
        if path.suffix.lower() not in CODECS:
            raise SourceError(f"{path} is no video that can be written; end it in .mp4 or .avi")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SourceError(f"{path} cannot be written: {error.strerror}") from None
        self._path, self._fps = path, fps
        self._writer: cv2.VideoWriter | None = None

    def write(self, image: np.ndarray) -> None:
        """Append a picture, uint8 (height, width, 3) BGR."""
        if self._writer is None:
            height, width = image.shape[:2]
            self._size = (max(2, width // 2 * 2), max(2, height // 2 * 2))  # MPEG-4 needs even
            codec = cv2.VideoWriter.fourcc(*CODECS[self._path.suffix.lower()])
            self._writer = cv2.VideoWriter(str(self._path), codec, self._fps, self._size)
            if not self._writer.isOpened():
                raise SourceError(f"{self._path} cannot be written as a video")
        if image.shape[1::-1] != self._size:
            image = cv2.resize(image, self._size, interpolation=cv2.INTER_AREA)
        self._writer.write(image)

    def __enter__(self) -> "VideoWriter":
        return self

    def __exit__(self, *exc) -> None:
        if self._writer is not None:
            self._writer.release()
