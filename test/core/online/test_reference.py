"""Regions around a place: golden cells, interpolation and what is beyond the grid."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker_ros.core.online.reference import REGION, Reference, around

CELLS = 14
GRID = np.arange(2 * CELLS**2, dtype=np.float32).reshape(2, CELLS, CELLS)


def test_a_whole_place_is_a_slice():
    region = around(GRID, 7, 8)
    assert region.shape == (1, 2, REGION, REGION) and region.dtype == np.float32
    np.testing.assert_allclose(region[0], GRID[:, 3:13, 2:12], atol=1e-4)


def test_half_a_cell_is_the_mean_of_two():
    halves = (GRID[:, 3:13, 2:12] + GRID[:, 3:13, 3:13]) / 2
    np.testing.assert_allclose(around(GRID, 7.5, 8)[0], halves, atol=1e-4)


def test_beyond_the_grid_is_nothing():
    region = around(GRID, 1, 7)[0]
    assert (region[:, :, :4] == 0).all()
    np.testing.assert_allclose(region[:, :, 4:], GRID[:, 2:12, :6], atol=1e-4)


@given(st.floats(-30, 40), st.floats(-30, 40))
def test_any_place_has_a_region(x, y):
    padded = np.pad(GRID, ((0, 0), (6, 6), (6, 6)))
    region = around(GRID, x, y)[0]
    assert region.shape == (2, REGION, REGION) and np.isfinite(region).all()
    assert region.min() >= 0 and region.max() <= padded.max()


def test_a_shape_is_relative_to_the_side():
    reference = Reference.of(GRID, (40.0, 48.0, 32.0, 16.0), 8, 32.0)
    assert reference.shape.tolist() == [[0.0, pytest.approx(np.log(0.5))]]
    np.testing.assert_array_equal(reference.region, around(GRID, 7, 7))
