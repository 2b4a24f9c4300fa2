"""Geometry of views: crops through a window, jitter, mirroring, stretching, turning."""

import cv2
import numpy as np

from ...core.geometry.boxes import Box, mask_box
from ...core.geometry.crop import Window, crop, window_around
from ..config import SamplingConfig
from ..data.clips import MIN_SIDE, View

Rng = np.random.Generator
PART_ATTEMPTS = 5
PART_TEXTURE = 12.0  # standard deviation of a part's pixels, of 255


def look(view: View, window: Window) -> View:
    """What a window shows of a view: crop, box in crop pixels, and mask where there is one."""
    mask = None
    if view.mask is not None:
        # Pixel i covers i to i + 1 for the window, i - 0.5 to i + 0.5 for OpenCV.
        shift = [0.5 * window.scale - 0.5 - start * window.scale for start in (window.x, window.y)]
        matrix = np.array([[window.scale, 0, shift[0]], [0, window.scale, shift[1]]])
        mask = cv2.warpAffine(view.mask.astype(np.uint8), matrix, (window.size,) * 2) > 0
    return View(crop(view.image, window), window.to_crop(view.box), mask)


def turn(view: View, window: Window, angle: float) -> View:
    """As ``look``, but turned by ``angle`` degrees, anticlockwise, around the window's centre.

    The box is the envelope of the turned mask, or of the turned ellipse in the box where there is
    no mask or where it hangs over the rim: few objects reach into the corners of their box.
    """
    margin = window.side // 4  # more than half of sqrt(2) - 1: no corner stays empty
    side = window.side + 2 * margin
    whole = Window(window.x - margin, window.y - margin, side, round(side * window.scale))
    seen = look(view, whole)
    size, middle = window.size, (whole.size - 1) / 2
    matrix = cv2.getRotationMatrix2D((middle, middle), angle, 1.0)
    matrix[:, 2] += (size - whole.size) / 2
    image = cv2.warpAffine(seen.image, matrix, (size, size), borderMode=cv2.BORDER_REPLICATE)
    mask = None
    if seen.mask is not None:
        mask = cv2.warpAffine(seen.mask.astype(np.uint8), matrix, (size, size)) > 0
        if (box := mask_box(mask)) is not None:
            x, y, w, h = box
            if min(x, y) > 0 and max(x + w, y + h) < size:
                return View(image, box, mask)
    x, y, w, h = seen.box
    cx, cy = matrix @ (x + w / 2 - 0.5, y + h / 2 - 0.5, 1) + 0.5  # see look() for the halves
    cos, sin = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    wide, high = np.hypot(w * cos, h * sin), np.hypot(w * sin, h * cos)
    return View(image, tuple(map(float, (cx - wide / 2, cy - high / 2, wide, high))), mask)


def inside(window: Window, image: np.ndarray) -> Window:
    """The window moved into the image along each side where it fits."""
    height, width = image.shape[:2]
    x, y = window.x, window.y
    if window.side <= width:
        x = min(max(x, 0), width - window.side)
    if window.side <= height:
        y = min(max(y, 0), height - window.side)
    return Window(x, y, window.side, window.size)


def jitter(box: Box, rng: Rng, shift: float, scale: float) -> Box:
    x, y, w, h = box
    dx, dy = rng.normal(0, shift, 2)
    sw, sh = np.exp(rng.normal(0, scale, 2))
    cx, cy = x + w / 2 + dx * w, y + h / 2 + dy * h
    return float(cx - w * sw / 2), float(cy - h * sh / 2), float(w * sw), float(h * sh)


def mirror(view: View) -> View:
    x, y, w, h = view.box
    mask = None if view.mask is None else view.mask[:, ::-1]
    return View(cv2.flip(view.image, 1), (view.image.shape[1] - x - w, y, w, h), mask)


def printed_window(
    box: Box, factor: float, size: int, config: SamplingConfig, rng: Rng, memory: bool = False
) -> Window:
    """The window of a crop as papers print it; see ``SamplingConfig.crops``.

    ``uniform`` (STMTrack, sec. 4.1): memory and query frames are shifted and scaled alike.
    ``centred`` (Siamese trackers, whose template is the middle of its crop): queries alone.
    ``normal`` (MixViT): queries alone; width and height change, each by a normal logarithm, and the
    shift goes with the changed size.
    """
    x, y, w, h = box
    side = np.sqrt(w * h)
    if memory and config.crops != "uniform":
        return window_around(box, factor, size)
    if config.crops != "normal":
        most = 1 + config.scale
        scale = rng.uniform(1 / most, most)
        dx, dy = rng.uniform(-config.shift, config.shift, 2) * side
    else:
        scale = float(np.exp(rng.normal(0, config.scale, 2).mean()))
        dx, dy = rng.uniform(-config.shift, config.shift, 2) * side * scale
    return window_around((x + dx, y + dy, w, h), factor * scale, size)


def stretched(view: View, rng: Rng, count: int, strength: float = 0.08) -> list[View]:
    """A still picture as a clip: each frame stretched in its own way."""
    views = []
    for _ in range(count):
        fx, fy = np.exp(rng.normal(0, strength, 2))
        image = cv2.resize(view.image, None, fx=fx, fy=fy)
        x, y, w, h = view.box
        mask = view.mask
        if mask is not None:
            mask = cv2.resize(mask.astype(np.uint8), image.shape[1::-1]) > 0
        views.append(View(image, (x * fx, y * fy, w * fx, h * fy), mask))
    return views


def part_of(view: View, rng: Rng) -> View:
    """The same picture with another target: a part of the object, or of anything else in it.

    It teaches that the target is what the box holds, not the object that it belongs to. A part
    without texture could not be found again: after some attempts the object itself is kept.
    """
    height, width = view.image.shape[:2]
    x, y, w, h = view.box
    for _ in range(PART_ATTEMPTS):
        if rng.random() < 0.65:
            wide, high = rng.uniform(0.3, 0.8, 2) * (w, h)
            left, top = x + rng.uniform(0, 1) * (w - wide), y + rng.uniform(0, 1) * (h - high)
        else:
            side, aspect = rng.uniform(16, min(height, width) / 2.5), np.exp(rng.normal(0, 0.35))
            wide, high = side * np.sqrt(aspect), side / np.sqrt(aspect)
            left, top = rng.uniform(0, 1, 2) * (width - wide, height - high)
        seen = view.image[max(int(top), 0) : int(top + high), max(int(left), 0) : int(left + wide)]
        if min(wide, high) >= MIN_SIDE and seen.size and seen.std((0, 1)).mean() > PART_TEXTURE:
            return View(view.image, (float(left), float(top), float(wide), float(high)))
    return view
