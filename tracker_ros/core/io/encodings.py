"""How cameras lay pixels out in memory, by the names of sensor_msgs' ``image_encodings``."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from .levels import Levels


class Encoding(NamedTuple):
    """A layout of pixels.

    Attributes:
        kind: NumPy's type of a value. channels: values of a pixel in a row.
        code: OpenCV's conversion to BGR; None where they are that.
        shared: pixels across and down that have one colour; sides are multiples of these.
        planes: rows in memory for each row of pixels: more than one where colours follow behind
            all brightness.
    """

    kind: str
    channels: int
    code: int | None = None
    shared: tuple[int, int] = (1, 1)
    planes: float = 1

    @property
    def pixel(self) -> int:
        """Bytes of a pixel in a row."""
        return self.channels * np.dtype(self.kind).itemsize

    def to_bgr(
        self, rows: np.ndarray, width: int, big: bool, levels: Levels | None = None
    ) -> np.ndarray:
        """Pixels as uint8 [H, W, 3] BGR, a view of ``rows`` where they are that already.

        Args:
            rows: uint8 [``planes``·H, bytes of a row]; what is behind ``width`` pixels is padding.
            big: whether the first byte of a value is the high one.
            levels: of the target, for values of more than 8 bits; None: the picture's own.
        """
        if self.planes == 3:
            rows = _fewer_colours(rows, width)
        values = rows[:, : width * self.pixel]
        kind = np.dtype(self.kind)
        if kind.itemsize > 1:
            wide = np.ascontiguousarray(values).view(kind.newbyteorder(">" if big else "<"))
            values = (levels or Levels()).reduce(wide)
        pixels = values.reshape(len(values), width, self.channels)
        return pixels if self.code is None else cv2.cvtColor(pixels, self.code)


def _fewer_colours(rows: np.ndarray, width: int) -> np.ndarray:
    """Two planes of which each pixel has a colour (NV24) as planes of which four share one (NV12).

    ``rows``: uint8 [3·H, bytes of a row]: H of brightness, and 2·H of colours, two for a pixel row.
    """
    height = len(rows) // 3
    colours = rows[height:].reshape(height, -1)[:, : 2 * width].reshape(height, width, 2)
    half = cv2.resize(colours, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    return np.vstack((rows[:height, :width], half.reshape(height // 2, width)))


_PAIR, _SQUARE = (2, 1), (2, 2)

# OpenCV's BayerRG is ROS's bggr: its codes name the second and third pixel of the second row; those
# that name a pattern as ROS does are newer than Humble's OpenCV. ``yuv422`` is UYVY (cv_bridge).
# cv_bridge does not read the NV ones, which libcamera's and OAK's drivers send.
ENCODINGS = {
    "bgr8": Encoding("u1", 3),
    "8UC3": Encoding("u1", 3),
    "rgb8": Encoding("u1", 3, cv2.COLOR_RGB2BGR),
    "bgra8": Encoding("u1", 4, cv2.COLOR_BGRA2BGR),
    "8UC4": Encoding("u1", 4, cv2.COLOR_BGRA2BGR),
    "rgba8": Encoding("u1", 4, cv2.COLOR_RGBA2BGR),
    "mono8": Encoding("u1", 1, cv2.COLOR_GRAY2BGR),
    "8UC1": Encoding("u1", 1, cv2.COLOR_GRAY2BGR),
    "mono16": Encoding("u2", 1, cv2.COLOR_GRAY2BGR),
    "16UC1": Encoding("u2", 1, cv2.COLOR_GRAY2BGR),
    "32FC1": Encoding("f4", 1, cv2.COLOR_GRAY2BGR),
    "bayer_rggb8": Encoding("u1", 1, cv2.COLOR_BayerBG2BGR),
    "bayer_rggb16": Encoding("u2", 1, cv2.COLOR_BayerBG2BGR),
    "bayer_bggr8": Encoding("u1", 1, cv2.COLOR_BayerRG2BGR),
    "bayer_bggr16": Encoding("u2", 1, cv2.COLOR_BayerRG2BGR),
    "bayer_gbrg8": Encoding("u1", 1, cv2.COLOR_BayerGR2BGR),
    "bayer_gbrg16": Encoding("u2", 1, cv2.COLOR_BayerGR2BGR),
    "bayer_grbg8": Encoding("u1", 1, cv2.COLOR_BayerGB2BGR),
    "bayer_grbg16": Encoding("u2", 1, cv2.COLOR_BayerGB2BGR),
    "yuv422": Encoding("u1", 2, cv2.COLOR_YUV2BGR_UYVY, _PAIR),
    "uyvy": Encoding("u1", 2, cv2.COLOR_YUV2BGR_UYVY, _PAIR),
    "yuv422_yuy2": Encoding("u1", 2, cv2.COLOR_YUV2BGR_YUY2, _PAIR),
    "yuyv": Encoding("u1", 2, cv2.COLOR_YUV2BGR_YUY2, _PAIR),
    "nv12": Encoding("u1", 1, cv2.COLOR_YUV2BGR_NV12, _SQUARE, 1.5),
    "nv21": Encoding("u1", 1, cv2.COLOR_YUV2BGR_NV21, _SQUARE, 1.5),
    "nv24": Encoding("u1", 1, cv2.COLOR_YUV2BGR_NV12, _SQUARE, 3),
}
