"""A Kalman filter of constant velocity for a point in space."""

import numpy as np

_FIRST_SPEED = 1.0  # m/s, 1 sigma: of a target that was seen once


class ConstantVelocity:
    """Position and velocity of a point, from measured positions.

    Args:
        position: float64 [3], metres. covariance: [3, 3], of that position.
        process_noise: spectral density of the acceleration in m²/s³: how much a target may change
            its velocity.
    Attributes:
        state: position and velocity, float64 [6]. covariance: [6, 6].
    """

    def __init__(self, position: np.ndarray, covariance: np.ndarray, process_noise: float):
        self._noise = process_noise
        self.state = np.concatenate([position, np.zeros(3)])
        self.covariance = np.zeros((6, 6))
        self.covariance[:3, :3] = covariance
        self.covariance[3:, 3:] = _FIRST_SPEED**2 * np.eye(3)

    @property
    def position(self) -> np.ndarray:
        """float64 [3], metres."""
        return self.state[:3]

    def predict(self, seconds: float) -> None:
        """Let time pass."""
        move = np.eye(6)
        move[:3, 3:] = seconds * np.eye(3)
        unit = np.array([[seconds**3 / 3, seconds**2 / 2], [seconds**2 / 2, seconds]])
        self.state = move @ self.state
        self.covariance = move @ self.covariance @ move.T
        self.covariance += self._noise * np.kron(unit, np.eye(3))

    def distance(self, position: np.ndarray, covariance: np.ndarray) -> float:
        """Distance of a measurement from the expected one, in standard deviations (Mahalanobis)."""
        error = position - self.position
        expected = self.covariance[:3, :3] + covariance
        return float(np.sqrt(error @ np.linalg.solve(expected, error)))

    def correct(self, position: np.ndarray, covariance: np.ndarray) -> None:
        """Correct the state by a measurement."""
        gain = np.linalg.solve(
            self.covariance[:3, :3] + covariance, self.covariance[:3, :]
        ).T  # [6, 3]
        self.state = self.state + gain @ (position - self.position)
        rest = np.eye(6)
        rest[:, :3] -= gain
        # Joseph's form stays symmetric and positive.
        self.covariance = rest @ self.covariance @ rest.T + gain @ covariance @ gain.T
