"""Changes of views and pictures: turning, mirroring, tinting, look-alikes, low light."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker_ros.core.geometry.crop import Window
from tracker_ros.training.data.clips import View
from tracker_ros.training.samples import augment
from tracker_ros.training.samples.geometry import look, mirror, turn


def scene() -> View:
    """A grey picture with a bright object, 60x40 at (90, 70), and its mask."""
    image = np.full((180, 240, 3), 60, np.uint8)
    mask = np.zeros((180, 240), bool)
    mask[70:110, 90:150] = True
    image[mask] = 220
    return View(image, (90.0, 70.0, 60.0, 40.0), mask)


def bright(image: np.ndarray) -> tuple[float, float, float, float]:
    shown = image[..., 0] > 140
    rows, columns = np.flatnonzero(shown.any(1)), np.flatnonzero(shown.any(0))
    x, y = columns[0], rows[0]
    return x, y, columns[-1] + 1 - x, rows[-1] + 1 - y


WINDOW = Window(60, 30, 120, 160)


@given(st.floats(-45, 45))
def test_a_turned_box_is_the_envelope_of_the_turned_object(angle):
    seen = turn(scene(), WINDOW, angle)
    assert seen.image.shape == (160, 160, 3)
    assert seen.box == pytest.approx(bright(seen.image), abs=2.5)


@given(st.floats(-45, 45))
def test_without_a_mask_a_turned_box_is_the_envelope_of_an_ellipse(angle):
    image = np.full((180, 240, 3), 60, np.uint8)
    cv2.ellipse(image, ((119.5, 89.5), (60.0, 40.0), 0.0), (220, 220, 220), -1)
    seen = turn(View(image, (90.0, 70.0, 60.0, 40.0)), WINDOW, angle)
    assert seen.box == pytest.approx(bright(seen.image), abs=3.5)


def test_turning_by_nothing_is_looking():
    view = scene()
    seen, turned = look(view, WINDOW), turn(view, WINDOW, 0.0)
    assert turned.box == pytest.approx(seen.box, abs=1.0)
    assert (turned.mask == seen.mask).mean() > 0.98
    assert bright(seen.image) == pytest.approx(seen.box, abs=1.0)


def test_a_mask_beyond_the_picture_is_empty():
    view = scene()
    view.mask[:] = True
    mask = look(view, Window(-60, -60, 120, 160)).mask
    assert not mask[:78].any() and mask[82:, 82:].all()


def test_a_mirrored_view_keeps_box_and_mask_together():
    view = mirror(scene())
    assert view.box == (90.0, 70.0, 60.0, 40.0)
    lopsided = mirror(View(view.image[:, 40:], (50.0, 70.0, 60.0, 40.0), view.mask[:, 40:]))
    x = int(lopsided.box[0])
    assert lopsided.mask[70:110, x : x + 60].all() and lopsided.mask.sum() == 60 * 40


@pytest.mark.parametrize("masked", [True, False])
def test_a_look_alike_appears_beside_the_target_never_over_it(masked):
    view = look(scene(), Window(30, 0, 180, 160))
    model = view if masked else View(view.image, view.box)
    x, y, w, h = (round(value) for value in view.box)
    appeared = 0
    for seed in range(40):
        image = view.image.copy()
        augment.add_look_alike(image, view.box, model, masked, np.random.default_rng(seed))
        inside = np.s_[y + 2 : y + h - 2, x + 2 : x + w - 2]
        assert (image[inside] == view.image[inside]).all()
        appeared += int((image != view.image).any(2).sum() > 150)
    assert appeared > 25


def hue(image: np.ndarray) -> float:
    """Mean hue in degrees, 0 to 360, of the pixels that have one."""
    hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV).reshape(-1, 3)
    turn = np.exp(1j * np.deg2rad(2.0 * hsv[hsv[:, 1] > 30, 0])).mean()
    return float(np.rad2deg(np.angle(turn))) % 360


@pytest.mark.parametrize("colour", [(40, 60, 190), (170, 90, 40), (60, 160, 80)])
def test_a_tinted_copy_has_another_hue(colour):
    image, turned = np.full((20, 30, 3), colour, np.uint8), []
    for seed in range(200):
        tinted = augment.tint(image, np.random.default_rng(seed))
        assert abs(tinted[0, 0].astype(int) - colour).max() > 30
        away = abs(hue(tinted) - hue(image))
        turned.append(min(away, 360 - away))
    assert np.percentile(turned, 5) > 30  # the gains may turn a little of it back


def test_a_tinted_grey_object_gets_a_colour():
    for seed in range(50):
        tinted = augment.tint(np.full((9, 9, 3), 110, np.uint8), np.random.default_rng(seed))
        assert np.ptp(tinted[0, 0].astype(int)) > 40


def test_a_look_alike_of_the_target_itself_is_tinted_another_of_its_class_hardly():
    view = look(scene(), Window(30, 0, 180, 160))
    view.image[view.mask] = (40, 60, 190)
    x, y, w, h = (round(value) for value in view.box)
    changed = {True: [], False: []}
    for seed in range(60):
        for own in changed:
            image = view.image.copy()
            augment.add_look_alike(image, view.box, view, own, np.random.default_rng(seed))
            image[y - 3 : y + h + 3, x - 3 : x + w + 3] = 0  # the target itself
            hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
            copy = image[(hsv[..., 1] > 60) & (hsv[..., 2] > 50)]
            area = len(copy) / view.mask.sum()
            if area > 0.5:  # not hanging over the rim
                away = abs(hue(copy[None]) - hue(view.image[view.mask][None]))
                changed[own].append((min(away, 360 - away), area))
    hues = {own: np.array(found)[:, 0] for own, found in changed.items()}
    areas = {own: np.array(found)[:, 1] for own, found in changed.items()}
    assert np.percentile(hues[True], 5) > 20 > np.percentile(hues[False], 95)
    assert np.median(areas[True]) == pytest.approx(np.median(areas[False]), rel=0.1)


def test_low_light_darkens_the_query_at_least():
    images = [np.full((20, 20, 3), 200, np.uint8) for _ in range(3)]
    for seed in range(20):
        dark = augment.darken(images, np.random.default_rng(seed))
        assert dark[-1].mean() < 130 and dark[-1].std() > 0
        assert len({round(float(image.mean()) / 20) for image in dark[:-1]}) == 1


@pytest.mark.parametrize(("share", "least", "most"), [(0.0, 0, 0), (0.15, 15, 50), (1.0, 200, 200)])
def test_so_many_crops_are_degraded(share, least, most):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (24, 24, 3), dtype=np.uint8)
    changed = sum(not np.array_equal(augment.degrade(image, rng, share), image) for _ in range(200))
    assert least <= changed <= most
