"""How far the background has shifted: known shifts of blobs, and what has none."""

import cv2
import numpy as np
import pytest

from tracker_ros.core.geometry.camera import NOWHERE, REACH, UNSEEN, Background, Backgrounds


def scene(side=1300, seed=0):
    """Blobs of all sizes, uint8 [side, side, 3]."""
    rng = np.random.default_rng(seed)
    layers = [
        cv2.resize(rng.normal(0, 1, (n, n, 3)), (side, side), interpolation=cv2.INTER_CUBIC)
        for n in (8, 16, 32, 64, 128)
    ]
    return np.clip(128 + 30 * sum(layers), 0, 255).astype(np.uint8)


SCENE = scene()


def view(x, y, size=(640, 480)):
    """What a camera sees that looks at x, y of the scene."""
    return SCENE[y : y + size[1], x : x + size[0]]


def shift(first, second):
    return Background.of(second, Background.of(first, UNSEEN)).shift


@pytest.mark.parametrize("size", [(640, 480), (480, 640), (96, 72), (150, 110), (801, 333)])
@pytest.mark.parametrize("step", [(0.02, 0), (0, -0.02), (0.1, -0.05), (-0.2, 0.17)])
def test_a_shift_is_found_to_a_fraction_of_a_thumbnails_pixel(size, step):
    x, y = round(step[0] * size[0]), round(step[1] * size[1])
    found = shift(view(200, 200, size), view(200 + x, 200 + y, size))
    assert found == pytest.approx((-x, -y), abs=0.8 * max(size) / 96)


def test_what_several_targets_have_seen_alike_is_told_once():
    first, second = view(200, 200), view(230, 190)
    one, other, later = (Background.of(image, UNSEEN) for image in (first, first, second))
    told = Backgrounds()
    found = told.of(second, one)
    assert found.shift == shift(first, second)
    assert told.of(second, other) is found
    assert told.of(second, later).shift == told.of(second, UNSEEN).shift == NOWHERE
    assert told.of(second.copy(), one) is not found  # another camera's image may be written later


def test_a_still_camera_shifts_nothing_not_even_by_noise():
    noise = np.random.default_rng(1).integers(0, 3, (480, 640, 3), np.uint8)
    assert shift(view(200, 200), np.minimum(view(200, 200), 250) + noise) == NOWHERE


@pytest.mark.parametrize(
    "second",
    [
        view(200 + int(1.3 * REACH * 640), 200),  # farther than is looked
        scene(seed=5)[:480, :640],  # a cut
        np.zeros((480, 640, 3), np.uint8),
        np.full((480, 640, 3), 255, np.uint8),
        view(200, 200, (320, 240)),  # another size
    ],
    ids=["far", "cut", "black", "white", "size"],
)
def test_what_cannot_be_told_is_no_shift(second):
    assert shift(view(200, 200), second) == NOWHERE
    assert shift(second, view(200, 200)) == NOWHERE


@pytest.mark.parametrize("size", [(2, 2), (2, 4000), (4000, 2), (40, 12), (9, 9), (1, 300)])
def test_images_of_any_size_can_be_asked(size):
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 255, (2, *size, 3), np.uint8)
    assert np.isfinite(shift(first, second)).all()


def test_light_that_changes_is_no_obstacle():
    darker = (0.6 * view(230, 190)).astype(np.uint8)
    assert shift(view(200, 200), darker) == pytest.approx((-30, 10), abs=5)


def test_a_box_goes_along_also_out_of_the_image():
    background = Background(np.zeros((72, 96), np.uint8), (640, 480), (-30.0, 10.0))
    assert background.carry((100, 100, 40, 60)) == (70, 110, 40, 60)
    assert background.carry((0, 440, 40, 60)) == (-30, 450, 40, 60)
    assert background.keep((-30, 460, 40, 60)) == (-20, 450, 40, 60)
    assert background.keep((-15, 430, 40, 60)) == (-15, 430, 40, 60)
    assert UNSEEN.keep((-90, 440, 40, 60)) == UNSEEN.carry((-90, 440, 40, 60)) == (-90, 440, 40, 60)
