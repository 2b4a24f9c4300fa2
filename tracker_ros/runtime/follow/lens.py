"""What a lens does to the pinhole view, by the models of camera_info, and how that is undone."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ...core.errors import InputError

# By the models' names in sensor_msgs/distortion_models: how many coefficients there may be.
MODELS = {"plumb_bob": (4, 5), "rational_polynomial": (8, 12, 14), "equidistant": (4,)}
_STEPS, _NEAR = 30, 1e-7  # of Newton's method, and how near is enough, in focal lengths
_STEP = 1e-6  # focal lengths: for slopes


@dataclass(frozen=True)
class Lens:
    """model: a key of ``MODELS``. coefficients: as in camera_info's D."""

    model: str
    coefficients: tuple[float, ...]

    def distort(self, points: np.ndarray) -> np.ndarray:
        """Where the lens shows points X/Z, Y/Z: float64 [N, 2] to the same, in focal lengths."""
        points, unit = np.ascontiguousarray(points)[:, None], np.eye(3)
        coefficients = np.array(self.coefficients)
        if self.model == "equidistant":
            return cv2.fisheye.distortPoints(points, unit, coefficients)[:, 0]
        places, still = cv2.convertPointsToHomogeneous(points), np.zeros(3)
        return cv2.projectPoints(places, still, still, unit, coefficients)[0][:, 0]

    def undistort(self, points: np.ndarray) -> np.ndarray:
        """The inverse of ``distort``. Raises InputError for a point that the lens never shows.

        ``cv2.undistortPoints`` is off by more than a pixel at the rim of a wide view.
        """
        found = points.copy()
        with np.errstate(all="ignore"):
            for _ in range(_STEPS):
                moved = [found + step for step in ((0, 0), (_STEP, 0), (0, _STEP))]
                here, right, below = map(self.distort, moved)
                error = here - points
                (a, c), (b, d) = ((right - here) / _STEP).T, ((below - here) / _STEP).T
                area = a * d - b * c
                if np.abs(error).max() < _NEAR:
                    # Beyond a wide view the model turns back, and shows everything again.
                    if (area > 0).all() and (a + d > 0).all():
                        return found
                    break
                across, down = error.T
                steps = np.stack([d * across - b * down, a * down - c * across], axis=-1)
                found = found - steps / area[:, None]
        raise InputError(
            f"a point {np.abs(points).max():.3g} focal lengths from the middle is of nothing that"
            f" the lens of camera_info ({self.model}) shows"
        )


def lens(model: str, coefficients: Sequence[float]) -> Lens | None:
    """The lens of camera_info's distortion_model and D; None without distortion.

    Raises InputError for a model that is not in ``MODELS``, or D that does not fit it.
    """
    if not any(coefficients):  # NaN is something
        return None
    if model not in MODELS:
        raise InputError(
            f"camera_info has distortion_model {model[:60]!r}, which is not one of"
            f" {', '.join(MODELS)}"
        )
    counts = MODELS[model]
    if len(coefficients) not in counts or not all(map(math.isfinite, coefficients)):
        raise InputError(
            f"camera_info has a D that is not {' or '.join(map(str, counts))} numbers, as"
            f" distortion_model {model} takes: {', '.join(f'{c:g}' for c in coefficients[:14])}"
        )
    return Lens(model, tuple(coefficients))
