"""The synthetic clip: repeatable, and its truth is where the target's pixels are."""

import itertools

import numpy as np
import pytest

from tracker_ros.datasets.synthetic.clip import FRAMES, HEIGHT, WIDTH, SyntheticClip

HIDDEN = 230


@pytest.fixture(scope="module")
def clip():
    return SyntheticClip()


def target_pixels(clip, index):
    """Rows and columns of what changes in the frame when the target is taken out."""
    with_target = clip.render(index).astype(int)
    without = clip.render(index, with_target=False).astype(int)
    return np.nonzero(np.abs(with_target - without).max(axis=2) > 20)


def test_same_seed_gives_the_same_frames_in_any_order(clip):
    again = SyntheticClip()
    for index in (300, 7):
        np.testing.assert_array_equal(clip.render(index), again.render(index))
        assert clip.truth(index) == again.truth(index)


def test_another_seed_gives_another_clip(clip):
    other = SyntheticClip(seed=2)
    assert (clip.render(7) != other.render(7)).mean() > 0.5
    assert clip.truth(7) != other.truth(7)


@pytest.mark.parametrize("index", [0, 30, 140, 170, 290, 320, 449])
def test_truth_encloses_the_visible_target_tightly(clip, index):
    assert clip.visible(index) == pytest.approx(1, abs=0.03)
    x, y, w, h = clip.truth(index)
    rows, columns = target_pixels(clip, index)
    assert (columns.min(), rows.min()) == pytest.approx((x, y), abs=2)
    assert (columns.max() + 1, rows.max() + 1) == pytest.approx((x + w, y + h), abs=2)
    assert len(rows) > 0.6 * w * h


@pytest.mark.parametrize("index", [84, 252, 392])
def test_truth_is_the_full_outline_of_a_partly_hidden_target(clip, index):
    assert 0.1 < clip.visible(index) < 0.6
    x, y, w, h = clip.truth(index)
    rows, columns = target_pixels(clip, index)
    assert x - 2.5 < columns.min() and columns.max() < x + w + 2.5
    assert y - 2.5 < rows.min() and rows.max() < y + h + 2.5
    assert len(rows) < 0.5 * w * h


def test_hidden_target_has_no_truth_and_no_pixels(clip):
    assert clip.truth(HIDDEN) is None
    np.testing.assert_array_equal(clip.render(HIDDEN), clip.render(HIDDEN, with_target=False))


@pytest.mark.parametrize("seed", [1, 2])
def test_target_stays_in_view_and_is_hidden_once(seed):
    clip = SyntheticClip(seed=seed)
    truth = [clip.truth(index) for index in range(FRAMES)]
    runs = [(absent, len(list(run))) for absent, run in itertools.groupby(b is None for b in truth)]
    assert [absent for absent, _ in runs] == [False, True, False]
    assert 10 <= runs[1][1] <= 45
    boxes = np.array([box for box in truth if box is not None])
    assert (boxes[:, :2] > 0).all()
    assert (boxes[:, :2] + boxes[:, 2:] < (WIDTH, HEIGHT)).all()
    assert boxes[:, 2:].max() > 1.4 * boxes[:, 2:].min()
