"""The pinhole camera of a depth image.

In a box, pixel ``i`` covers [i, i + 1). In a camera matrix it is the point ``i``, its centre. So
``u = x - 0.5``.
"""

from dataclasses import dataclass

import numpy as np

from ...core.errors import InputError
from .lens import Lens

# Metres: what is told to be nearer or farther was not measured.
NEAREST, FARTHEST = 1e-3, 1e6
_SAMPLES = 2000  # points of a cloud that are enough to find its camera
_MISFIT = 1.0  # pixels: the median residual of a cloud that a pinhole camera can have made


@dataclass(frozen=True)
class View:
    """What a camera shows at an image point.

    ray: X/Z and Y/Z, float64 [2]. slopes: how they change with x and y, its columns, [2, 2].
    """

    ray: np.ndarray
    slopes: np.ndarray

    def locate(self, depth: float) -> np.ndarray:
        """The place at ``depth`` metres: float64 [3], optical frame."""
        return depth * np.append(self.ray, 1.0)

    def jacobian(self, depth: float) -> np.ndarray:
        """How the place changes with x, y and depth: float64 [3, 3]."""
        found = np.zeros((3, 3))
        found[:2, :2] = depth * self.slopes
        found[:, 2] = self.locate(1.0)
        return found


@dataclass(frozen=True)
class Camera:
    """Focal lengths and principal point in pixels, and the size of its images.

    lens: what its images are distorted by; None: nothing.
    """

    fx: float
    fy: float
    cx: float
    cy: float
    width: int
    height: int
    lens: Lens | None = None

    def view(self, x: float, y: float) -> View:
        """What is seen at image point (x, y). Raises InputError where the lens shows nothing."""
        steps = np.array([(0, 0), (-0.5, 0), (0.5, 0), (0, -0.5), (0, 0.5)])
        points = (np.array([x - 0.5 - self.cx, y - 0.5 - self.cy]) + steps) / (self.fx, self.fy)
        ray, left, right, above, below = self.lens.undistort(points) if self.lens else points
        return View(ray, np.stack([right - left, below - above], axis=1))

    def describe(self) -> str:
        """The camera in words, as 640x480, fx 554.0, fy 554.0, cx 319.5, cy 239.5."""
        names = ("fx", "fy", "cx", "cy")
        numbers = ", ".join(f"{name} {getattr(self, name):.1f}" for name in names)
        distorted = f", {self.lens.model}" if self.lens else ""
        return f"{self.width}x{self.height}, {numbers}{distorted}"

    def scales(self, what: str, width: int, height: int) -> tuple[float, float]:
        """Pixels of another picture of the same view for one of this camera's, across and down.

        Its sides have one scale, but for rounding. Raises InputError, which begins with ``what``.
        """
        if not abs(width * self.height - height * self.width) < max(self.width, self.height):
            raise InputError(
                f"{what} {width}x{height} pixels, but camera_info or cloud"
                f" {self.width}x{self.height}, which is no scale of it"
            )
        return width / self.width, height / self.height

    def resized(self, width: int, height: int) -> "Camera":
        """The camera of images of another resolution. Raises InputError as ``scales`` does."""
        across, down = self.scales("the images have", width, height)
        cx, cy = (self.cx + 0.5) * across - 0.5, (self.cy + 0.5) * down - 0.5
        return Camera(self.fx * across, self.fy * down, cx, cy, width, height, self.lens)


def camera_of_points(points: np.ndarray) -> Camera:
    """The camera of an organised cloud, float32 [H, W, 3] in that camera's optical frame.

    In such a cloud X / Z grows linearly with the column, and Y / Z with the row. Raises InputError
    where they do not: then the cloud is in another frame, or is not the view of a camera.
    """
    height, width = points.shape[:2]
    usual = (np.abs(points) < FARTHEST).all(axis=2)  # NaN is not
    rows, columns = np.nonzero(usual & (points[..., 2] >= NEAREST))
    chosen = np.linspace(0, len(rows) - 1, min(len(rows), _SAMPLES)).astype(int)
    rows, columns = rows[chosen], columns[chosen]
    if len(np.unique(rows)) < 2 or len(np.unique(columns)) < 2:
        raise InputError("the point cloud has too few points in front of the camera to use it")
    places = points[rows, columns].astype(float)
    lines = []
    for pixels, axis in ((columns, 0), (rows, 1)):
        slope, offset = np.polyfit(pixels, places[:, axis] / places[:, 2], 1)
        misfit = np.median(np.abs(slope * pixels + offset - places[:, axis] / places[:, 2]))
        if not slope > 0 or misfit > _MISFIT * slope:
            raise InputError(
                "the point cloud is not the view of a pinhole camera in its optical frame (x right,"
                " y down, z forward)"
            )
        lines.append((1 / slope, -offset / slope))
    (fx, cx), (fy, cy) = lines
    return Camera(fx, fy, cx, cy, width, height)
