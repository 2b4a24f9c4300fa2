"""Augmentation of pictures: light, blur, noise, compression, occluders, look-alikes."""

from itertools import permutations

import cv2
import numpy as np

from ...core.geometry.boxes import Box
from ..data.clips import View
from .cutouts import cut_out, paste, place, streak
from .geometry import Rng


def grey(image: np.ndarray) -> np.ndarray:
    """As a camera without colours sees it: uint8 [H, W, 3], three times the same."""
    return cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)


def turned(image: np.ndarray, steps: int) -> np.ndarray:
    """With its hue turned by so many of OpenCV's 180 steps."""
    hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
    hsv[..., 0] = (hsv[..., 0].astype(int) + steps) % 180
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)


def coded(image: np.ndarray, quality: int) -> np.ndarray:
    """As JPEG of this quality shows it."""
    return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], 1)


def recolour(image: np.ndarray, rng: Rng, strength: float = 1.0) -> np.ndarray:
    """Saturation, brightness, contrast, colour cast, sometimes gamma; uint8 in and out."""
    saturation = 1 + strength * rng.uniform(-0.5, 0.4)
    image = cv2.addWeighted(image, saturation, grey(image), 1 - saturation, 0)
    contrast = 1 + strength * rng.uniform(-0.3, 0.3)
    cast = 1 + strength * rng.uniform(-0.1, 0.1, 3)
    table = (
        (np.arange(256)[:, None] - 127) * contrast * cast + 127 + strength * rng.uniform(-35, 35)
    )
    table = np.clip(table, 0, 255)
    if rng.random() < 0.15 * strength:
        table = 255 * (table / 255) ** rng.uniform(0.6, 2.2)
    return cv2.LUT(image, table.astype(np.uint8)[:, None, :])


def tint(image: np.ndarray, rng: Rng) -> np.ndarray:
    """The same in clearly other colours: hue turned, one channel raised, another lowered."""
    other = turned(image, int(rng.integers(30, 151)))
    before, after = image.mean((0, 1)), other.mean((0, 1))
    gains = (rng.uniform(0.5, 0.75), 1.0, rng.uniform(1.25, 1.5))
    # In the order that changes most: another could undo the turn.
    order = max(permutations(gains), key=lambda order: abs(after * order - before).sum())
    return np.clip(other * np.float32(order), 0, 255).astype(np.uint8)


def degrade(image: np.ndarray, rng: Rng, share: float = 0.42) -> np.ndarray:
    """With this probability, one of defocus, motion blur, low resolution, noise and JPEG."""
    kind = rng.random() * 0.42 / share if share else 1.0
    if kind < 0.08:
        return cv2.GaussianBlur(image, (0, 0), rng.uniform(0.6, 2.0))
    if kind < 0.18:
        return cv2.filter2D(image, -1, streak(int(rng.integers(3, 12)), rng.uniform(0, np.pi)))
    if kind < 0.26:
        size, factor = image.shape[1::-1], rng.uniform(0.3, 0.7)
        return cv2.resize(cv2.resize(image, None, fx=factor, fy=factor), size)
    if kind < 0.34:
        noise = rng.standard_normal(image.shape, np.float32) * np.float32(rng.uniform(3, 15))
        return cv2.add(image, noise, dtype=cv2.CV_8U)
    if kind < 0.42:
        return coded(image, int(rng.integers(15, 60)))
    return image


def darken(images: list[np.ndarray], rng: Rng) -> list[np.ndarray]:
    """Low light: dark, little contrast, grainy, in all images or in the last alone."""
    first = 0 if rng.random() < 0.6 else len(images) - 1
    gain, gamma, grain = rng.uniform(0.25, 0.6), rng.uniform(1.0, 1.4), rng.uniform(2, 7)
    table = (255 * gain * (np.arange(256) / 255) ** gamma).astype(np.uint8)
    dark = []
    for image in images[first:]:
        noise = rng.standard_normal(image.shape[:2], np.float32)[..., None] * np.float32(grain)
        noise = np.broadcast_to(noise, image.shape)
        dark.append(cv2.add(cv2.LUT(image, table), noise, dtype=cv2.CV_8U))
    return [*images[:first], *dark]


def soft_blob(width: int, height: int, rng: Rng) -> np.ndarray:
    """A feathered mask, float32 [height, width, 1] in [0, 1]: an ellipse or a rectangle."""
    mask = np.zeros((height, width), np.float32)
    if rng.random() < 0.5:
        centre = width // 2, height // 2
        axes = tuple(max(half - 1, 1) for half in centre)
        cv2.ellipse(mask, centre, axes, 0, 0, 360, 1.0, -1)
    else:
        mask[1:-1, 1:-1] = 1
    return cv2.GaussianBlur(mask, (0, 0), 0.8)[..., None]


def random_patch(picture: np.ndarray, width: int, height: int, rng: Rng) -> np.ndarray:
    """A random piece of ``picture`` resized to uint8 [height, width, 3]."""
    rows, columns = picture.shape[:2]
    side = int(rng.uniform(0.3, 0.9) * min(rows, columns))
    y, x = rng.integers(rows - side + 1), rng.integers(columns - side + 1)
    return cv2.resize(picture[y : y + side, x : x + side], (width, height))


def occlude(image: np.ndarray, box: Box, picture: np.ndarray, rng: Rng) -> None:
    """Cover up to about half of ``box`` with a piece of ``picture``, in place."""
    x, y, w, h = box
    width, height = (max(int(side * rng.uniform(0.3, 0.8)), 4) for side in (w, h))
    cx, cy = x + w * rng.uniform(0, 1), y + h * rng.uniform(0, 1)
    patch, left, top = random_patch(picture, width, height, rng), cx - width / 2, cy - height / 2
    paste(image, patch, soft_blob(width, height, rng), int(left), int(top))


def _beside(box: Box, width: float, height: float, rng: Rng) -> np.ndarray | None:
    """A centre for something of this size that leaves ``box`` uncovered, or None."""
    x, y, w, h = box
    angle = rng.uniform(0, 2 * np.pi)
    reach = rng.uniform(1.1, 2.0)
    away = np.array([np.cos(angle) * (w + width), np.sin(angle) * (h + height)]) / 2 * reach
    if abs(away[0]) < (w + width) / 2 and abs(away[1]) < (h + height) / 2:
        return None
    return np.array([x + w / 2, y + h / 2]) + away


def distract(image: np.ndarray, box: Box, picture: np.ndarray, rng: Rng) -> None:
    """Put something of the target's size beside it, in place; never over it."""
    _, _, w, h = box
    width, height = (max(int(side * rng.uniform(0.6, 1.3)), 6) for side in (w, h))
    centre = _beside(box, width, height, rng)
    if centre is not None:
        patch = random_patch(picture, width, height, rng)
        left, top = (centre - (width / 2, height / 2)).astype(int)
        paste(image, patch, soft_blob(width, height, rng), left, top)


def add_look_alike(image: np.ndarray, box: Box, model: View, own: bool, rng: Rng) -> None:
    """Put a copy of the object in ``model``, a little changed, beside ``box``, in place.

    ``own``: it is the target itself, which is given other colours: else nothing would tell the two
    apart. It is cut along its mask, or along an ellipse in its box where there is no mask.
    """
    x, y, w, h = model.box
    if model.mask is None:
        mask = np.zeros(model.image.shape[:2], np.uint8)
        centre, size = (x + w / 2, y + h / 2), (0.95 * w, 0.95 * h)
        cv2.ellipse(mask, (centre, size, 0.0), 1, -1)
        model = View(model.image, model.box, mask > 0)
    part = cut_out(model, float(np.sqrt(box[2] * box[3])) * rng.uniform(0.75, 1.3))
    if part is None:
        return
    patch, mask = part
    patch = tint(patch, rng) if own else recolour(patch, rng, 0.4)
    if rng.random() < 0.5:
        patch, mask = cv2.flip(patch, 1), cv2.flip(mask, 1)
    angle = rng.uniform(-15, 15)
    for _ in range(4):
        # Turning makes it larger by less than a quarter.
        centre = _beside(box, 1.2 * mask.shape[1], 1.2 * mask.shape[0], rng)
        if centre is not None and (centre > 0).all() and (centre < image.shape[1::-1]).all():
            place(image, patch, mask, centre, angle, 1.0)
            return
