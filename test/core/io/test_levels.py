import cv2
import numpy as np
import pytest

from tracker_ros.core.io.levels import Levels

GREY = cv2.GaussianBlur(
    np.random.default_rng(0).integers(0, 256, (60, 80), np.uint8), (0, 0), 3
)  # some 60 grey levels


@pytest.mark.parametrize("bits", (10, 12, 14, 16))
@pytest.mark.parametrize("offset", (0, 700))
def test_grey_levels_survive_whatever_bits_a_camera_uses(bits, offset):
    values = (GREY.astype(float) * (2**bits - 1 - offset) / 255 + offset).astype(np.uint16)
    found = Levels().reduce(values)
    assert len(np.unique(found)) > 0.6 * len(np.unique(GREY))
    assert found.min() == 0 and found.max() == 255


def test_the_range_is_kept_for_later_pictures():
    levels = Levels()
    first = levels.reduce(GREY.astype(np.uint16) * 4)
    assert levels.range and str(levels) == "{:g}..{:g}".format(*levels.range)
    brighter = levels.reduce(GREY.astype(np.uint16) * 4 + 40)
    assert brighter.astype(int).sum() > first.astype(int).sum()


def test_a_picture_without_contrast_settles_nothing():
    levels = Levels()
    assert not levels.reduce(np.full((8, 8), 900, np.uint16)).any()
    assert levels.range is None and str(levels) == ""
    assert levels.reduce(GREY.astype(np.uint16)).max() == 255


def test_a_small_thing_on_one_value_is_seen():
    values = np.full((100, 100), 1000, np.uint16)
    values[40:44, 40:44] = 1050
    assert Levels().reduce(values)[42, 42] == 255


def test_floats_and_what_is_not_finite():
    values = np.linspace(0.5, 4.5, 400, dtype=np.float32).reshape(20, 20)
    values[0, :3] = np.nan, np.inf, -np.inf
    levels = Levels()
    found = levels.reduce(values)
    assert list(found[0, :3]) == [0, 0, 0] and found[-1, -1] == 255
    assert not Levels().reduce(np.full((4, 4), np.nan, np.float32)).any()


@pytest.mark.filterwarnings("error")
def test_values_as_wide_apart_as_float32_allows():
    pixels = np.linspace(-3e38, 3e38, 256, dtype=np.float64).astype(np.float32).reshape(16, 16)
    grey = Levels().reduce(pixels).reshape(-1).astype(int)
    assert (grey[0], grey[-1]) == (0, 255)
    assert (np.diff(grey) >= 0).all()
