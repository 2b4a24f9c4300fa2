import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker_ros.core.geometry.crop import Window, crop, window_around

RNG = np.random.default_rng(0)
IMAGE = RNG.integers(0, 255, (90, 120, 3), np.uint8)
COORDINATES = st.floats(-5e3, 5e3)
SIDES = st.floats(2, 4e3)


def plain_crop(image, window, dtype=np.uint8):
    """Pad everything at full size, then one resize: what crop means, without regard to cost."""
    colour = [round(value) for value in image[::8, ::8].reshape(-1, 3).mean(0)]
    canvas = np.full((window.side, window.side, 3), colour, np.uint8)
    for row in range(window.side):
        for column in range(window.side):
            y, x = row + window.y, column + window.x
            if 0 <= y < image.shape[0] and 0 <= x < image.shape[1]:
                canvas[row, column] = image[y, x]
    canvas = canvas.astype(dtype)
    while canvas.shape[0] >= 2 * window.size and canvas.shape[0] % 2 == 0:
        canvas = cv2.resize(canvas, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    method = cv2.INTER_AREA if canvas.shape[0] >= 2 * window.size else cv2.INTER_LINEAR
    return cv2.resize(canvas, (window.size, window.size), interpolation=method)


@given(COORDINATES, COORDINATES, SIDES, SIDES, st.floats(1, 6), st.integers(1, 40))
def test_mapping_into_a_window_and_back_is_exact(x, y, w, h, factor, eighths):
    window = window_around((x, y, w, h), factor, 8 * eighths)
    assert isinstance(window.x, int) and isinstance(window.side, int) and window.side >= 8
    there = window.to_crop((x, y, w, h))
    assert there[2] == pytest.approx(w * window.size / window.side)
    assert window.to_image(there) == pytest.approx((x, y, w, h), rel=1e-9, abs=1e-6)
    assert window.to_crop(window.to_image(there)) == pytest.approx(there, rel=1e-9, abs=1e-6)


@given(COORDINATES, COORDINATES, SIDES, SIDES)
def test_a_window_has_the_asked_side_around_the_centre(x, y, w, h):
    window = window_around((x, y, w, h), 3.6, 160)
    side = 3.6 * np.sqrt(w * h)
    # Whole pixels; a window of 2 crops a side and more is a multiple of its blocks.
    slack = 0.5 + max(side // (2 * 160), 1)
    assert window.side == pytest.approx(max(side, 8), abs=slack)
    assert window.x + window.side / 2 == pytest.approx(x + w / 2, abs=slack)
    assert window.y + window.side / 2 == pytest.approx(y + h / 2, abs=slack)


def test_golden_window():
    window = window_around((100, 50, 40, 10), 4.0, 160)
    assert window == Window(80, 15, 80, 160) and window.scale == 2
    assert window.to_crop((100, 50, 40, 10)) == (40, 70, 80, 20)
    assert window.to_image((40, 70, 80, 20)) == (100, 50, 40, 10)


@pytest.mark.parametrize(
    "window",
    [
        Window(10, 20, 40, 40),  # inside, same size
        Window(10, 20, 30, 64),  # enlarged
        Window(10, 20, 64, 30),  # shrunk
        Window(-15, -7, 50, 32),  # over the top left corner
        Window(100, 70, 50, 32),  # over the bottom right corner
        Window(-30, 10, 180, 48),  # wider than the image
        Window(-201, -300, 701, 24),  # far wider, and of a prime side
        Window(119, 89, 20, 20),  # one pixel of the image
        Window(120, 0, 20, 16),  # outside by nothing
        Window(-500, -500, 100, 16),  # far outside
    ],
)
def test_content_equals_a_plain_crop(window):
    assert np.array_equal(crop(IMAGE, window), plain_crop(IMAGE, window))


@pytest.mark.parametrize("window", [Window(-200, -300, 700, 24), Window(3, 5, 80, 8)])
def test_content_of_a_window_that_is_averaged_in_two_steps(window):
    difference = crop(IMAGE, window) - plain_crop(IMAGE, window, np.float32)
    # On noise, OpenCV's area average of uint8 by a fraction is itself up to 4 levels off.
    assert np.abs(difference).max() <= 4 and abs(difference.mean()) < 0.3


def test_a_crop_of_the_same_size_is_the_pixels_themselves():
    assert np.array_equal(crop(IMAGE, Window(30, 12, 48, 48)), IMAGE[12:60, 30:78])


def test_what_is_outside_has_the_mean_colour():
    image = np.full((40, 40, 3), (10, 200, 60), np.uint8)
    image[:, 20:] = (30, 100, 80)
    assert (crop(image, Window(100, 100, 30, 8)) == (18, 160, 68)).all()
    assert (crop(image, Window(-20, 0, 40, 40))[:, :20] == (18, 160, 68)).all()


@pytest.mark.parametrize(
    "view", [IMAGE[:, :, ::-1], IMAGE[::-1], IMAGE[:, ::2], np.asfortranarray(IMAGE)]
)
@pytest.mark.parametrize("window", [Window(5, 5, 40, 32), Window(-9, 30, 300, 32)])
def test_any_memory_layout_gives_the_same_crop(view, window):
    assert np.array_equal(crop(view, window), crop(view.copy(), window))


def test_the_image_is_never_changed_nor_shared():
    image = IMAGE.copy()
    image.flags.writeable = False
    result = crop(image, Window(30, 12, 48, 48))
    result[:] = 0
    assert np.array_equal(image, IMAGE)


def test_a_target_that_fills_a_huge_image_is_cropped_in_little_memory():
    # 50,000 pixels a side would be 7.5 gigabytes if the window were padded at full size.
    image = np.broadcast_to(np.array([50, 100, 150], np.uint8), (300, 16384, 3))
    image = np.concatenate([image] * 4)
    result = crop(image, Window(-17000, -24000, 50000, 160))
    assert np.abs(result.astype(int) - (50, 100, 150)).max() <= 1


@given(
    st.integers(-200, 200),
    st.integers(-200, 200),
    st.integers(8, 1200),
    st.sampled_from([8, 16, 56]),
)
def test_every_window_gives_a_crop(x, y, side, size):
    result = crop(IMAGE, Window(x, y, side, size))
    assert result.shape == (size, size, 3) and result.dtype == np.uint8
