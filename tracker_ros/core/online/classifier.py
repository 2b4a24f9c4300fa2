"""A classifier of target and background that is learned online from a memory of samples.

A small convolution on a trunk's features, by regularised least squares with conjugate gradients
(Danelljan et al., "ATOM", CVPR 2019, sec. 3.3, without its learned projection; "ECO", CVPR 2017,
for the memory of weighted samples). A correlation filter as large as the window learns the
background around the target, too, and stays with the background when the target moves on; a kernel
of the target's size cannot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from .spectrum import Spectrum, spectrum

KERNEL = 5  # cells
SIGMA = 1.33  # cells, of the wanted response: a quarter of the target's side
RIDGE = 0.05  # weight of the kernel's own size in the regression (λ)
FIRST = 0.25  # what the samples of the first frame weigh at least, of all
SAMPLES = 18  # later ones that are kept
FIRST_STEPS, STEPS = 40, 2  # of conjugate gradients: at first, and for each new sample
RESTART = 10  # steps after which their directions begin anew


@dataclass(frozen=True, eq=False)
class Classifier:
    """Tells a target from its background. It is immutable: learning returns a new one.

    Features are float32 [D, n, n]; samples and the responses wanted of them are stored as spectra.

    Attributes:
        samples: complex64 [F, N, D]. wanted: complex64 [F, N]. weights: float32 [N], sum 1; 0 for
            a free place. first: number of samples from the first frame, which are never replaced.
        kernel: float32 [D, KERNEL²].
    """

    samples: np.ndarray
    wanted: np.ndarray
    weights: np.ndarray
    first: int
    kernel: np.ndarray

    @classmethod
    def start(cls, features: np.ndarray, centres: Sequence[tuple[float, float]]) -> Classifier:
        """A classifier learned from several views of the first frame.

        Args:
            features: float32 [V, D, n, n]. centres: of the target in each, x, y in cells from the
                middle of the grid.
        """
        views, channels, cells, _ = features.shape
        transform = spectrum(cells, KERNEL)
        seen = transform.of_grids(features)  # [V, D, F]
        frequencies = seen.shape[-1]
        samples = np.zeros((frequencies, views + SAMPLES, channels), np.complex64)
        wanted = np.zeros((frequencies, views + SAMPLES), np.complex64)
        weights = np.zeros(views + SAMPLES, np.float32)
        samples[:, :views] = seen.transpose(2, 0, 1)
        wanted[:, :views] = transform.of_grids(np.stack([label(cells, *c) for c in centres])).T
        weights[:views] = 1 / views
        kernel = np.zeros((channels, KERNEL**2), np.float32)
        new = cls(samples, wanted, weights, views, kernel)
        for _ in range(FIRST_STEPS // RESTART):
            new = new._improved(transform, RESTART)
        return new

    def respond(self, features: np.ndarray) -> np.ndarray:
        """Features [D, n, n] → float32 [n, n], near 1 where the target is as it was learned."""
        cells = features.shape[-1]
        # For one answer, sums of what is moved take a third of the time of a spectrum.
        parts = self.kernel.T @ features.reshape(len(features), -1)
        return parts.take(_moved(cells)).sum(0).reshape(cells, cells)

    def learn(self, features: np.ndarray, centre: tuple[float, float], rate: float) -> Classifier:
        """Learn one more sample, in place of the one that weighs least.

        Args:
            features: float32 [D, n, n]. centre: of the target, x, y in cells from the middle of the
                grid. rate: the new sample's weight.
        """
        transform = spectrum(features.shape[-1], KERNEL)
        samples, wanted, weights = self.samples.copy(), self.wanted.copy(), self.weights.copy()
        place = self.first + int(weights[self.first :].argmin())
        samples[:, place] = transform.of_grids(features).T
        wanted[:, place] = transform.of_grids(label(transform.cells, *centre))
        rate = min(rate, 1 - FIRST)
        weights[place] = 0
        weights *= (1 - rate) / weights.sum()
        weights[place] = rate
        known = weights[: self.first].sum()
        if known < FIRST:
            weights[: self.first] *= FIRST / known
            weights[self.first :] *= (1 - FIRST) / (1 - known)
        new = replace(self, samples=samples, wanted=wanted, weights=weights)
        return new._improved(transform, STEPS)

    def _improved(self, transform: Spectrum, steps: int) -> Classifier:
        """After some steps of conjugate gradients (Hestenes and Stiefel, 1952)."""
        used = int(np.count_nonzero(self.weights))  # what is free comes last
        samples, wanted = self.samples[:, :used], self.wanted[:, :used, None]
        weights = self.weights[:used, None]
        turned = samples.transpose(0, 2, 1)

        def back(errors: np.ndarray) -> np.ndarray:
            # The product with the conjugate samples, of which no copy is made.
            return transform.to_kernels(np.matmul(turned, errors.conj()).conj())

        def answers(kernel: np.ndarray) -> np.ndarray:
            return np.matmul(samples, transform.of_kernels(kernel))

        kernel = self.kernel
        residual = back(weights * (wanted - answers(kernel))) - RIDGE * kernel
        direction, size = residual, float(np.vdot(residual, residual))
        for _ in range(steps):
            bent = back(weights * answers(direction)) + RIDGE * direction
            step = size / (float(np.vdot(direction, bent)) + 1e-12)
            kernel = kernel + step * direction
            residual = residual - step * bent
            before, size = size, float(np.vdot(residual, residual))
            direction = residual + size / (before + 1e-20) * direction
        return replace(self, kernel=kernel)


@lru_cache(maxsize=4)
def _moved(cells: int) -> np.ndarray:
    """Where in [KERNEL², n, n] each place finds what every part of a kernel moves there.

    Circular, as a spectrum is: int [KERNEL², n²].
    """
    places = np.arange(KERNEL**2 * cells**2).reshape(KERNEL**2, cells, cells)
    reach = range(-(KERNEL // 2), KERNEL // 2 + 1)
    shifts = [(y, x) for y in reach for x in reach]
    moved = [np.roll(part, shift, (0, 1)) for part, shift in zip(places, shifts, strict=True)]
    return np.stack(moved).reshape(KERNEL**2, -1)


def label(cells: int, x: float, y: float) -> np.ndarray:
    """The response that is wanted: float32 [n, n], a Gaussian at x, y cells from the middle."""
    places = np.arange(cells) + 0.5 - cells / 2
    down, along = ((places - centre) ** 2 for centre in (y, x))
    return np.exp(-0.5 * (down[:, None] + along) / SIGMA**2).astype(np.float32)
