import numpy as np
import pytest

from tracker_ros.core.online.scale import REGION, RIDGE, VIEWS, ScaleRegression, region

LENGTH = 7


def noise(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


SLOPE = 0.1 * noise(LENGTH, seed=9)


def examples(count, seed=0):
    views = noise(count, LENGTH, seed=seed) + 2
    return views, (views @ SLOPE + 0.02 * noise(count, seed=seed + 1)).astype(np.float64)


def primal(views, scales):
    """Ridge regression as it is written in books, its offset not regularised."""
    views = views.astype(np.float64)
    centred = views - views.mean(0)
    ridge = RIDGE * (centred**2).sum() / len(views)
    matrix = centred.T @ centred + ridge * np.eye(views.shape[1])
    slope = np.linalg.solve(matrix, centred.T @ (scales - scales.mean()))
    return slope, scales.mean() - views.mean(0) @ slope


@pytest.mark.parametrize("count", [3, 12, 30])  # fewer and more than unknowns
def test_the_dual_form_equals_the_primal(count):
    views, scales = examples(count)
    learned = ScaleRegression.start(views, scales)
    slope, offset = primal(views, scales)
    np.testing.assert_allclose(learned.slope, slope, atol=1e-4)
    assert learned.offset == pytest.approx(offset, abs=1e-4)
    assert learned(views[0]) == pytest.approx(views[0] @ slope + offset, abs=1e-4)


@pytest.mark.parametrize("count", [1, VIEWS - 1, VIEWS, 2 * VIEWS + 3])
def test_what_is_learned_later_equals_the_regression_on_all_that_is_kept(count):
    first, last = examples(5), examples(count, seed=3)
    learned = ScaleRegression.start(*first)
    for view, scale in zip(*last, strict=True):
        learned = learned.learn([view], [scale])
    kept = [np.concatenate([a, b[-VIEWS:]]) for a, b in zip(first, last, strict=True)]
    slope, offset = primal(*kept)
    assert learned.used == len(kept[0])
    np.testing.assert_allclose(learned.slope, slope, atol=1e-4)
    assert learned.offset == pytest.approx(offset, abs=1e-4)


def test_several_views_at_once_are_as_one_after_the_other():
    start, (views, scales) = ScaleRegression.start(*examples(5)), examples(VIEWS + 4, seed=3)
    at_once, one_by_one = start.learn(views, scales), start
    for view, scale in zip(views, scales, strict=True):
        one_by_one = one_by_one.learn([view], [scale])
    np.testing.assert_array_equal(at_once.views, one_by_one.views)
    np.testing.assert_allclose(at_once.products, one_by_one.products, rtol=1e-5)
    np.testing.assert_allclose(at_once.slope, one_by_one.slope, atol=1e-5)


def test_the_oldest_later_view_is_replaced_and_the_first_frame_stays():
    first, (views, scales) = examples(5), examples(VIEWS + 1, seed=3)
    full = ScaleRegression.start(*first).learn(views[:-1], scales[:-1])
    new = full.learn(views[-1:], scales[-1:])
    assert np.flatnonzero((new.views != full.views).any(1)).tolist() == [5]
    np.testing.assert_array_equal(new.views[5], views[-1])
    np.testing.assert_array_equal(new.views[:5], first[0])
    np.testing.assert_allclose(new.products, new.views @ new.views.T, rtol=1e-5)


def test_learning_leaves_the_old_one_as_it_was():
    old, (views, scales) = ScaleRegression.start(*examples(5)), examples(3, seed=3)
    parts = "views", "scales", "products", "slope"
    before = {part: getattr(old, part).copy() for part in parts}
    counts = old.used, old.next, old.offset
    new = old.learn(views, scales)
    for part in parts:
        np.testing.assert_array_equal(getattr(old, part), before[part])
        assert not np.array_equal(getattr(new, part), before[part]), part
    assert (old.used, old.next, old.offset) == counts


def test_one_view_alone_says_its_own_scale_of_everything():
    views, _ = examples(2)
    learned = ScaleRegression.start(views[:1], [0.1])
    assert learned(views[0]) == learned(views[1]) == pytest.approx(0.1)


def test_views_and_scales_must_be_as_many():
    with pytest.raises(ValueError, match="zip"):
        ScaleRegression.start(*examples(3)).learn(examples(2)[0], [0.1])


CELLS = 20
RAMPS = np.stack(np.meshgrid(np.arange(CELLS), np.arange(CELLS))).astype(np.float32)  # x, y


def corner(x, y):
    """Column and row of the region's first cell, from features that count both."""
    seen = region(RAMPS, x, y)
    assert seen.dtype == np.float32 and seen.shape == (2 * REGION**2,)
    columns, rows = seen.reshape(2, REGION, REGION)
    np.testing.assert_allclose(np.diff(columns, axis=1), 1, atol=1e-4)
    np.testing.assert_allclose(np.diff(rows, axis=0), 1, atol=1e-4)
    return columns[0, 0], rows[0, 0]


def test_a_region_is_cut_out_around_the_middle():
    part = noise(3, CELLS, CELLS)
    inner = slice(6, 14)
    np.testing.assert_array_equal(region(part, 0, 0), part[:, inner, inner].ravel())
    np.testing.assert_array_equal(region(part, 2, -3), part[:, 3:11, 8:16].ravel())


@pytest.mark.parametrize("place", [(0.25, 0), (0, -0.6), (3.3, 2.9), (-5.9, 5.9)])
def test_between_cells_it_is_interpolated(place):
    assert corner(*place) == pytest.approx((6 + place[0], 6 + place[1]), abs=1e-4)


def test_at_the_border_it_stays_within_the_grid():
    assert corner(-9, 9) == pytest.approx((0, 12), abs=2e-3)
    assert corner(100, -6) == pytest.approx((12, 0), abs=2e-3)


def test_an_odd_grid_has_its_middle_within_a_cell():
    part = noise(1, 11, 11)
    half = [part[0, a : a + REGION, b : b + REGION] for a in (1, 2) for b in (1, 2)]
    np.testing.assert_allclose(region(part, 0, 0), np.mean(half, 0).ravel(), atol=1e-6)
