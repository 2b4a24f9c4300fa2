"""A target in space: a filter for its place, or the reason why there is no place to publish."""

import math
from dataclasses import dataclass

import numpy as np

from ...core.geometry.boxes import Box
from .camera import Camera, View
from .depth import Surface
from .kalman import ConstantVelocity

BOX_SIGMA = 0.05  # of a box's centre, in units of its sides
DEPTH_SIGMA = 0.01  # of a depth, in units of it; at least
SIZE_RATE = 0.05  # share of a new size in the remembered one


@dataclass(frozen=True)
class Limits:
    """Limits of a target's motion and size.

    gate: how many standard deviations a measurement may lie from the expected place. process_noise:
    see ``ConstantVelocity``. size_change: factor by which the target's size in metres may differ
    from the size before. forget_after: seconds without a good measurement after which place and
    size start anew.
    """

    gate: float
    process_noise: float
    size_change: float
    forget_after: float


@dataclass(frozen=True)
class Estimate:
    """Where a target is, in the camera's optical frame.

    position: float64 [3], metres. covariance: [3, 3]. size: width and height in metres.
    """

    position: np.ndarray
    covariance: np.ndarray
    size: tuple[float, float]


class Follower:
    """Follows one target: uses measurements that fit, and refuses those that do not."""

    def __init__(self, limits: Limits):
        self._limits = limits
        self._filter: ConstantVelocity | None = None
        self._stamp = 0  # of the filter's state, ns
        self._seen = 0  # stamp of the last good measurement, ns
        self._size = math.nan  # metres

    def follow(
        self, stamp: int, box: Box, surfaces: list[Surface], camera: Camera
    ) -> tuple[Estimate | None, str | None]:
        """The target's place, or None and a sentence that says why there is none.

        Args:
            stamp: of the image, ns; never less than before. box: in its pixels.
            surfaces: what is in it, nearest first.
        Raises:
            InputError: the camera shows nothing at the middle of the box.
        """
        x, y, w, h = box
        view = camera.view(x + w / 2, y + h / 2)
        gone = (stamp - self._seen) / 1e9
        if self._filter and gone > self._limits.forget_after:
            self._filter = None
        if self._filter is None:
            surface = surfaces[0]
            position, covariance = _measure(box, surface, view)
            self._filter = ConstantVelocity(position, covariance, self._limits.process_noise)
            self._size = _size(box, surface, view)
        else:
            self._filter.predict((stamp - self._stamp) / 1e9)
            self._stamp = stamp
            reasons = []
            for surface in surfaces:
                reason = self._refusal(box, surface, view)
                if reason is None:
                    break
                reasons.append(reason)
            else:
                return None, reasons[0]
            self._filter.correct(*_measure(box, surface, view))
            self._size *= (_size(box, surface, view) / self._size) ** SIZE_RATE
        self._stamp = self._seen = stamp
        covariance = self._filter.covariance[:3, :3].copy()
        size = _sides(box, surface, view)
        return Estimate(self._filter.position.copy(), covariance, size), None

    def _refusal(self, box: Box, surface: Surface, view: View) -> str | None:
        expected = self._filter.position[2]
        jump = f"the depth in the box jumped from {expected:.2f} m to {surface.depth:.2f} m"
        distance = self._filter.distance(*_measure(box, surface, view))
        if distance > self._limits.gate:
            return f"{jump}, {distance:.1f} standard deviations (gate {self._limits.gate:g})"
        change = _size(box, surface, view) / self._size
        if not 1 / self._limits.size_change <= change <= self._limits.size_change:
            return (
                f"{jump}, where the target would be {change:.2f} times as large as before"
                f" (size_change {self._limits.size_change:g})"
            )
        return None


def _measure(box: Box, surface: Surface, view: View) -> tuple[np.ndarray, np.ndarray]:
    """The place of the box's centre at the surface's depth, and its covariance [3, 3]."""
    depth_sigma = max(surface.sigma, DEPTH_SIGMA * surface.depth)
    sigmas = np.array([BOX_SIGMA * box[2], BOX_SIGMA * box[3], depth_sigma])
    jacobian = view.jacobian(surface.depth)
    return view.locate(surface.depth), (jacobian * sigmas**2) @ jacobian.T


def _sides(box: Box, surface: Surface, view: View) -> tuple[float, float]:
    """Width and height in metres of what fills the box."""
    across, down = surface.depth * np.diagonal(view.slopes)
    return float(across * box[2]), float(down * box[3])


def _size(box: Box, surface: Surface, view: View) -> float:
    """The side in metres of a square as large as the box."""
    return math.sqrt(math.prod(_sides(box, surface, view)))
