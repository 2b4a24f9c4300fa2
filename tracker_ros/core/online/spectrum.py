"""Fourier transforms of small square grids as products with constant matrices."""

from __future__ import annotations

from functools import lru_cache

import numpy as np


class Spectrum:
    """Transforms between a grid of ``cells`` × ``cells`` and its F = cells · (cells // 2 + 1)
    frequencies: half of them, as a real signal needs.

    On grids this small a product with a matrix is as fast as an FFT, transforms a kernel without
    padding it to the grid first, and stays in float32 with every NumPy.

    Args:
        cells: n, side of the grid. kernel: side of a kernel around the origin, odd.
    """

    def __init__(self, cells: int, kernel: int):
        self.cells = cells
        half = cells // 2 + 1
        down, along = (axis.ravel() for axis in np.mgrid[:cells, :half])

        def waves(places: np.ndarray) -> np.ndarray:
            y, x = (axis.ravel()[:, None] for axis in np.meshgrid(places, places, indexing="ij"))
            return np.exp(-2j * np.pi / cells * ((down * y + along * x) % cells))

        # In half a spectrum all columns stand for two but the first and, of an even number, the
        # last.
        twice = np.full(half, 2.0)
        twice[0] = 1
        if cells % 2 == 0:
            twice[-1] = 1
        weights = np.tile(twice, cells) / cells**2
        near = waves(np.arange(kernel) - kernel // 2)
        self._grid = _parts(waves(np.arange(cells)))
        self._kernel = _parts(near)
        self._kernel_back = _parts(near * weights)

    def of_grids(self, grids: np.ndarray) -> np.ndarray:
        """float32 [..., n, n] → complex64 [..., F]."""
        flat = grids.reshape(-1, self.cells**2) @ self._grid
        return flat.view(np.complex64).reshape(*grids.shape[:-2], -1)

    def of_kernels(self, kernels: np.ndarray) -> np.ndarray:
        """float32 [D, kernel²] → complex64 [F, D, 1]."""
        return (kernels @ self._kernel).view(np.complex64).T[:, :, None]

    def to_kernels(self, spectra: np.ndarray) -> np.ndarray:
        """complex64 [F, D, 1] → float32 [D, kernel²], what of it lies within the kernel."""
        parts = np.ascontiguousarray(spectra[:, :, 0].T).view(np.float32)
        return parts @ self._kernel_back.T


def _parts(waves: np.ndarray) -> np.ndarray:
    """Complex [places, F] → float32 [places, 2·F], real and imaginary parts in turn."""
    return waves.astype(np.complex64).view(np.float32)


@lru_cache(maxsize=4)
def spectrum(cells: int, kernel: int) -> Spectrum:
    """The transforms for these sizes; they are made once."""
    return Spectrum(cells, kernel)
