"""One look at a target: the crop, the place that was believed, and how wrong that is."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from ...core.config import TrackingConfig
from ...core.geometry.boxes import Box
from ...core.geometry.crop import Window, crop, window_around
from ..data.clips import View
from ..samples.geometry import Rng

SHIFT, FARTHEST = 0.25, 0.6  # of the window, in sides of the target
SIZE, SIZE_OFTEN, OFTEN = 0.25, 0.13, 0.8  # of the window's log size, and the share of the lesser
PROPORTION = 0.08  # of the window's log proportion
PLACE = 0.06  # of the place found, in sides of the target; Student's t with 4 degrees of freedom
OCCLUDED = 0.12  # share of looks with something before the target


@dataclass(frozen=True)
class Look:
    """What is seen through one window.

    Attributes:
        crop: uint8 [S, S, 3] BGR.
        place: where the target is believed to be, x, y in cells from the crop's corner.
        truth: float32 [4], what the refiner shall answer: the way from ``place`` to the box's
            centre, in cells, and the logarithms of its sides in units of the side that a target
            has in a window which is as large as it should be.
    """

    crop: np.ndarray
    place: tuple[float, float]
    truth: np.ndarray


def first_look(view: View, tracking: TrackingConfig) -> Look:
    """The first frame, whose box was given: nothing is wrong in it."""
    window = window_around(view.box, tracking.search_factor, tracking.query_size)
    x, y, w, h = window.to_crop(view.box)
    place = (x + w / 2) / tracking.stride, (y + h / 2) / tracking.stride
    return _look(view, window, place, tracking)


def later_look(view: View, tracking: TrackingConfig, rng: Rng) -> Look:
    """A later frame: window and place are a little wrong, and light and sharpness others."""
    look = believed_look(view, tracking, rng)
    return Look(disturbed(look.crop, rng), look.place, look.truth)


def believed_look(view: View, tracking: TrackingConfig, rng: Rng) -> Look:
    """As a tracker looks that believes in a box which is a little wrong."""
    x, y, w, h = view.box
    size = rng.normal(0, SIZE_OFTEN if rng.random() < OFTEN else SIZE)
    proportion = rng.normal(0, PROPORTION)
    wide, high = w * math.exp(size + proportion), h * math.exp(size - proportion)
    away = rng.normal(0, SHIFT, 2).clip(-FARTHEST, FARTHEST) * math.sqrt(w * h)
    cx, cy = x + w / 2 + away[0], y + h / 2 + away[1]
    believed = (cx - wide / 2, cy - high / 2, wide, high)
    window = window_around(believed, tracking.search_factor, tracking.query_size)
    left, top, across, down = window.to_crop(view.box)
    stride, cells = tracking.stride, tracking.query_size / tracking.stride
    wrong = rng.standard_t(4, 2) * PLACE * math.sqrt(across * down) / stride
    found = np.array([left + across / 2, top + down / 2]) / stride + wrong
    return _look(view, window, tuple(map(float, found.clip(0, cells))), tracking)


def _look(view: View, window: Window, place: tuple[float, float], tracking: TrackingConfig) -> Look:
    x, y, w, h = window.to_crop(view.box)
    truth = (
        (x + w / 2) / tracking.stride - place[0],
        (y + h / 2) / tracking.stride - place[1],
        *log_sides((x, y, w, h), tracking),
    )
    return Look(crop(view.image, window), place, np.array(truth, np.float32))


def log_sides(box: Box, tracking: TrackingConfig) -> tuple[float, float]:
    """Logarithms of a crop box's sides, in units of ``query_size`` / ``search_factor``."""
    side = tracking.query_size / tracking.search_factor
    return math.log(box[2] / side), math.log(box[3] / side)


def disturbed(image: np.ndarray, rng: Rng) -> np.ndarray:
    """Other light, blur, no colours, something before it, each now and then: uint8 [S, S, 3]."""
    if rng.random() < 0.5:
        lit = image.astype(np.float32) * rng.uniform(0.7, 1.35) + rng.uniform(-25, 25)
        image = np.clip(lit, 0, 255).astype(np.uint8)
    if rng.random() < 0.2:
        length = 2 * int(rng.integers(1, 4)) + 1
        motion = np.full((1, length), 1 / length, np.float32)
        image = cv2.filter2D(image, -1, motion if rng.random() < 0.5 else motion.T)
    elif rng.random() < 0.2:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.5, 1.8))
    if rng.random() < 0.1:
        image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    if rng.random() < OCCLUDED:
        size = len(image)
        (x, y), (w, h) = rng.integers(0, size, 2), rng.integers(size // 14, size // 4, 2)
        image = image.copy()
        image[y : y + h, x : x + w] = rng.integers(0, 255, 3)
    return image
