import cv2
import numpy as np
import pytest

from tracker_ros.core.geometry.crop import crop, window_around
from tracker_ros.core.online.views import PLACES, SCALES, first_views

FACTOR, SIZE = 3.6, 160
SIDE = SIZE / FACTOR  # of the target in a view as it is


def picture(seed=0, height=240, width=320):
    """A smooth picture, in which neighbouring pixels differ by little."""
    draw = np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8)
    smooth = cv2.GaussianBlur(draw, (0, 0), 4).astype(np.float32)
    return np.clip(128 + 6 * (smooth - 128), 0, 255).astype(np.uint8)


def painted(box, height=960, width=1280):
    image = np.zeros((height, width, 3), np.uint8)
    x, y, w, h = box
    image[y : y + h, x : x + w] = 255
    return image


def extent(view):
    """Centre and sides, parts of pixels, of what is bright in a view."""
    bright = np.clip(view[:, :, 0].astype(np.float64) - 8, 0, None) / 247
    rows, columns = bright.sum(1), bright.sum(0)
    places = np.arange(len(bright)) + 0.5
    x, y = (float(part @ places / bright.sum()) for part in (columns, rows))
    return x, y, float(bright[int(y)].sum()), float(bright[:, int(x)].sum())


def middle(box):
    x, y, w, h = box
    return x + w / 2, y + h / 2


# Upscaled, about as it is, shrunk, and at a corner and an edge of the image.
BOXES = [(300, 200, 31, 17), (280, 200, 44, 44), (150, 150, 240, 100)]
AT_BORDER = [(0, 0, 40, 50), (1250, 230, 30, 20), (200, 920, 60, 40)]


@pytest.mark.parametrize("box", BOXES + AT_BORDER)
def test_the_target_is_where_the_box_says(box):
    views = first_views(painted(box), box, FACTOR, SIZE)
    assert len(views) == len(PLACES) + SCALES
    for index, view in enumerate(views):
        assert view.crop.shape == (SIZE, SIZE, 3) and view.crop.dtype == np.uint8
        x, y, w, h = extent(view.crop)
        assert (x, y) == pytest.approx(middle(view.box), abs=1.1), index
        if index >= len(PLACES) or not PLACES[index].angle:
            assert (w, h) == pytest.approx(view.box[2:], abs=1), index


def errors(box, chosen):
    """How far the target is from where the box says, pixels, in those of the first views."""
    views = first_views(painted(box), box, FACTOR, SIZE)
    return {
        change: np.hypot(*np.subtract(extent(view.crop)[:2], middle(view.box)))
        for change, view in zip(PLACES, views, strict=False)
        if chosen(change)
    }


@pytest.mark.parametrize("box", BOXES)
def test_upright_views_have_the_target_just_where_the_box_says(box):
    found = errors(box, lambda change: not (change.mirrored or change.angle))
    assert len(found) > 3 and max(found.values()) < 0.1, found


@pytest.mark.parametrize("box", BOXES)
def test_so_have_mirrored_and_turned_ones(box):
    found = errors(box, lambda change: change.mirrored or change.angle)
    assert len(found) > 3 and max(found.values()) < 0.1, found


@pytest.mark.parametrize("box", BOXES)
def test_boxes_have_the_zoom_and_shift_that_were_asked_for(box):
    views = first_views(painted(box), box, FACTOR, SIZE)
    for change, view in zip(PLACES, views, strict=False):
        _, _, w, h = view.box
        assert w / h == pytest.approx(box[2] / box[3] * change.zoom[0] / change.zoom[1])
        assert np.sqrt(w * h) == pytest.approx(SIDE * np.sqrt(np.prod(change.zoom)))
        shifted = SIZE / 2 - SIDE * np.array(change.shift)
        assert middle(view.box) == pytest.approx(tuple(shifted))


def test_the_other_scales_are_spread_around_one():
    box = BOXES[1]
    views = first_views(painted(box), box, FACTOR, SIZE)[len(PLACES) :]
    scales = np.array([np.log(np.sqrt(v.box[2] * v.box[3]) / SIDE) for v in views])
    assert scales.min() < -0.15 and scales.max() > 0.15 and abs(scales.mean()) < 0.1
    assert np.abs(scales).max() <= 0.24 + 1e-9


@pytest.mark.parametrize(
    "box",
    [
        (130, 90, 40, 40),  # of which the window has whole pixels
        (130, 90, 57, 31),
        (130.4, 90.7, 22.3, 41.8),
        (90, 50, 130, 110),
        (0, 0, 40, 30),
    ],
)
def test_the_first_view_is_nearly_what_the_tracker_cuts_out(box):
    image = picture()
    view = first_views(image, box, FACTOR, SIZE)[0]
    window = window_around(box, FACTOR, SIZE)
    own = crop(image, window)
    # The tracker's windows have whole pixels: half a pixel of the image, at most, is between them.
    x, y, w, h = window.to_crop(box)
    assert view.box == pytest.approx((x, y, w, h), abs=0.5 * window.scale + 0.5 + 0.02 * max(w, h))
    assert np.abs(view.crop.astype(int) - own).mean() < 6


def test_with_whole_pixels_it_is_just_that():
    box, image = (130, 90, 40, 40), picture()  # 144 and 288 pixels
    view = first_views(image, box, FACTOR, SIZE)[0]
    own = crop(image, window_around(box, FACTOR, SIZE))
    assert np.abs(view.crop.astype(int) - own).max() <= 2


def test_a_mirrored_view_is_the_first_one_from_the_other_side():
    views = first_views(picture(), (130, 90, 40, 40), FACTOR, SIZE)
    assert PLACES[1].mirrored
    difference = views[1].crop.astype(int) - views[0].crop[:, ::-1]
    assert np.abs(difference).mean() < 8
    assert np.abs(views[1].crop.astype(int) - views[0].crop).mean() > 20


@pytest.mark.parametrize("box", [*BOXES[:2], AT_BORDER[0]])
def test_two_calls_give_the_same_and_leave_the_image(box):
    image = picture(height=480, width=640)
    before = image.copy()
    first, second = (first_views(image, box, FACTOR, SIZE) for _ in range(2))
    np.testing.assert_array_equal(image, before)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a.crop, b.crop)
        assert a.box == b.box
