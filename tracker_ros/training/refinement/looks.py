"""One look at a target: the crop, and where the target is in it."""

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np

from ...core.config import TrackingConfig
from ...core.geometry.boxes import Box
from ...core.geometry.crop import Window, crop, window_around
from ..data.clips import View
from ..samples import augment
from ..samples.geometry import Rng

SHIFT, FARTHEST = 0.25, 0.6  # of the window, in sides of the target
SIZE, SIZE_OFTEN, OFTEN = 0.25, 0.13, 0.8  # of the window's log size, and the share of the lesser
PROPORTION = 0.08  # of the window's log proportion
WARMTH = 0.05  # of the light's colours


@dataclass(frozen=True)
class TargetCrop:
    """What is seen through one window.

    Attributes:
        crop: uint8 [S, S, 3] BGR. box: of the whole target, x, y, w, h in crop pixels.
        cover: share of it that cannot be seen; 1: it is not there.
    """

    crop: np.ndarray
    box: Box
    cover: float = 0.0

    def truth(self, tracking: TrackingConfig) -> tuple[float, float, float, float]:
        """The centre in cells from the crop's corner, and the logarithms of the sides.

        In units of the side that a target has in a window which is as large as it should be.
        """
        x, y, w, h = self.box
        side = tracking.target_side
        cx, cy = (x + w / 2) / tracking.stride, (y + h / 2) / tracking.stride
        return cx, cy, math.log(w / side), math.log(h / side)


def first_look(view: View, tracking: TrackingConfig) -> TargetCrop:
    """The first frame, whose box was given: nothing is wrong in it."""
    return _look(view, window_around(view.box, tracking.search_factor, tracking.query_size))


def later_look(view: View, tracking: TrackingConfig, rng: Rng) -> TargetCrop:
    """A later frame, as a tracker looks that believes in a box which is a little wrong."""
    x, y, w, h = view.box
    size = rng.normal(0, SIZE_OFTEN if rng.random() < OFTEN else SIZE)
    proportion = rng.normal(0, PROPORTION)
    wide, high = w * math.exp(size + proportion), h * math.exp(size - proportion)
    away = rng.normal(0, SHIFT, 2).clip(-FARTHEST, FARTHEST) * math.sqrt(w * h)
    cx, cy = x + w / 2 + away[0], y + h / 2 + away[1]
    believed = (cx - wide / 2, cy - high / 2, wide, high)
    return _look(view, window_around(believed, tracking.search_factor, tracking.query_size))


def _look(view: View, window: Window) -> TargetCrop:
    return TargetCrop(crop(view.image, window), window.to_crop(view.box))


def disturbed(look: TargetCrop, rng: Rng) -> TargetCrop:
    """Other light, blur, a poor camera or coding, each now and then."""
    image = look.crop
    if rng.random() < 0.5:
        gain = rng.uniform(0.7, 1.35) * rng.normal(1, WARMTH, 3)
        lit = image * gain.astype(np.float32) + np.float32(rng.uniform(-25, 25))
        image = np.clip(lit, 0, 255).astype(np.uint8)
    if rng.random() < 0.2:
        length = 2 * int(rng.integers(1, 4)) + 1
        motion = np.full((1, length), 1 / length, np.float32)
        image = cv2.filter2D(image, -1, motion if rng.random() < 0.5 else motion.T)
    elif rng.random() < 0.2:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.5, 1.8))
    if rng.random() < 0.15:
        image = coarse(image, rng.uniform(0.3, 0.8))
    if rng.random() < 0.15:
        image = augment.coded(image, int(rng.integers(25, 80)))
    return replace(look, crop=image)


def coarse(image: np.ndarray, share: float) -> np.ndarray:
    """An image as one of ``share`` of its sides shows it."""
    height, width = image.shape[:2]
    small = (max(round(share * width), 1), max(round(share * height), 1))
    return cv2.resize(cv2.resize(image, small, interpolation=cv2.INTER_AREA), (width, height))


def grey(look: TargetCrop) -> TargetCrop:
    """As a camera without colours sees it."""
    return replace(look, crop=augment.grey(look.crop))
