import numpy as np
import pytest

from tracker_ros.core.online.spectrum import Spectrum, spectrum

SIZES = pytest.mark.parametrize(("cells", "kernel"), [(8, 3), (9, 5), (16, 5), (20, 5)])


def noise(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def padded(kernels, cells):
    """Kernels [D, k²] in grids [D, n, n], their middle at the origin."""
    side = round(kernels.shape[1] ** 0.5)
    grids = np.zeros((len(kernels), cells, cells), np.float32)
    grids[:, :side, :side] = kernels.reshape(-1, side, side)
    return np.roll(grids, (-(side // 2), -(side // 2)), (1, 2))


@SIZES
def test_grids_are_transformed_as_by_an_fft(cells, kernel):
    grids = noise(2, 3, cells, cells)
    seen = spectrum(cells, kernel).of_grids(grids)
    assert seen.dtype == np.complex64 and seen.shape == (2, 3, cells * (cells // 2 + 1))
    np.testing.assert_allclose(seen, np.fft.rfft2(grids).reshape(2, 3, -1), atol=1e-4)


@SIZES
def test_kernels_are_transformed_as_grids_padded_with_zeros(cells, kernel):
    kernels = noise(4, kernel**2)
    seen = spectrum(cells, kernel).of_kernels(kernels)
    assert seen.dtype == np.complex64 and seen.shape == (cells * (cells // 2 + 1), 4, 1)
    expected = np.fft.rfft2(padded(kernels, cells)).reshape(4, -1).T
    np.testing.assert_allclose(seen[:, :, 0], expected, atol=1e-5)


@SIZES
def test_of_a_grid_what_lies_within_the_kernel_comes_back(cells, kernel):
    grids, transform = noise(4, cells, cells), spectrum(cells, kernel)
    near = transform.to_kernels(transform.of_grids(grids).T[:, :, None])
    half = kernel // 2
    expected = np.roll(grids, (half, half), (1, 2))[:, :kernel, :kernel].reshape(4, -1)
    assert near.dtype == np.float32
    np.testing.assert_allclose(near, expected, atol=1e-5)


@SIZES
def test_the_two_kernel_transforms_are_adjoint(cells, kernel):
    # ⟨grid of the kernel, other⟩ over the grid is ⟨kernel, what of the other lies within it⟩.
    kernels, others, transform = (
        noise(4, kernel**2),
        noise(4, cells, cells),
        Spectrum(cells, kernel),
    )
    over_grid = sum(
        np.vdot(np.fft.irfft2(seen.reshape(cells, -1), (cells, cells)), other)
        for seen, other in zip(transform.of_kernels(kernels)[:, :, 0].T, others, strict=True)
    )
    near = transform.to_kernels(transform.of_grids(others).T[:, :, None])
    assert over_grid == pytest.approx(np.vdot(kernels, near), rel=1e-4)


def test_transforms_are_made_once():
    assert spectrum(8, 3) is spectrum(8, 3) and spectrum(8, 3) is not spectrum(8, 5)
