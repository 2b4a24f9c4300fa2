"""Things before a target: bars, blocks and cut-outs, and what covers it altogether."""

import cv2
import numpy as np

from ...core.geometry.boxes import Box
from ..samples.geometry import Rng

KINDS = {"bar": 0.45, "block": 0.25, "thing": 0.3}  # how often each is drawn
FLAT, CLONED = 0.2, 0.3  # share of bars and blocks of one colour, and of a piece of the same crop
UPRIGHT = 0.75  # share of bars that are upright or level
THICK, SIDES = (0.25, 1.3), (0.4, 1.5)  # of a bar, of blocks and things, in sides of the target

CutOut = tuple[np.ndarray, np.ndarray]  # uint8 [h, w, 3] BGR, bool [h, w]


def occluded(
    crop: np.ndarray, box: Box, ground: np.ndarray, thing: CutOut | None, rng: Rng
) -> tuple[np.ndarray, float]:
    """Something before the target: the crop, and the share of the box that it covers.

    Args:
        crop: uint8 [S, S, 3]. box: x, y, w, h, crop pixels. ground: uint8 [H, W, 3], a picture that
            bars and blocks are cut from. thing: what may be pasted.
    """
    x, y, w, h = box
    side, size = float(np.sqrt(w * h)), len(crop)
    kind = rng.choice(list(KINDS), p=list(KINDS.values()))
    cx, cy = x + w / 2, y + h / 2
    if kind == "thing" and thing is not None:
        patch, mask = thing
        scale = rng.uniform(*SIDES) * side / np.sqrt(mask.sum() + 1)
        turn = scale * cv2.getRotationMatrix2D((0, 0), rng.uniform(-40, 40), 1.0)[:, :2]
        away = rng.uniform(-0.6, 0.6, 2) * (w, h) + (cx, cy)
        matrix = np.column_stack([turn, away - turn @ np.array(mask.shape[::-1]) / 2])
        texture = cv2.warpAffine(patch, matrix, (size, size), borderMode=cv2.BORDER_REPLICATE)
        cover = cv2.warpAffine(mask.astype(np.float32), matrix, (size, size))
    else:
        rows, columns = np.mgrid[:size, :size].astype(np.float32) + 0.5
        if kind == "block":
            away = rng.uniform(-0.6, 0.6, 2) * (w, h) + (cx, cy)
            wide, high = rng.uniform(*SIDES, 2) * side / 2
            cover = (np.abs(columns - away[0]) < wide) & (np.abs(rows - away[1]) < high)
        else:
            upright = rng.random() < UPRIGHT
            angle = np.pi / 2 * rng.integers(2) if upright else rng.uniform(0, np.pi)
            across = (columns - cx) * np.cos(angle) + (rows - cy) * np.sin(angle)
            extent = w * abs(np.cos(angle)) + h * abs(np.sin(angle))
            away = rng.uniform(-0.6, 0.6) * extent
            cover = np.abs(across - away) < rng.uniform(*THICK) * side / 2
        texture = _texture(crop, side, ground, rng)
    return _over(crop, texture, np.asarray(cover, np.float32), box)


def covered(crop: np.ndarray, box: Box, ground: np.ndarray, rng: Rng) -> np.ndarray:
    """A crop without its target: uint8 [S, S, 3]. See ``occluded``."""
    x, y, w, h = box
    size = len(crop)
    rows, columns = np.mgrid[:size, :size].astype(np.float32) + 0.5
    wide, high = rng.uniform(1.1, 1.5, 2) * (w, h) / 2
    cover = (np.abs(columns - x - w / 2) < wide) & (np.abs(rows - y - h / 2) < high)
    texture = _texture(crop, float(np.sqrt(w * h)), ground, rng)
    return _over(crop, texture, cover.astype(np.float32), box)[0]


def _texture(crop: np.ndarray, side: float, ground: np.ndarray, rng: Rng) -> np.ndarray:
    """What a bar or block is made of: uint8 [S, S, 3]."""
    size, chance = len(crop), rng.random()
    if chance < FLAT:
        return np.full_like(crop, rng.integers(0, 255, 3))
    if chance < FLAT + CLONED:
        angle, way = rng.uniform(0, 2 * np.pi), rng.uniform(1.3, 2.0) * side
        shift = np.float32([[1, 0, way * np.cos(angle)], [0, 1, way * np.sin(angle)]])
        return cv2.warpAffine(crop, shift, (size, size), borderMode=cv2.BORDER_REFLECT)
    height, width = ground.shape[:2]
    part = max(int(min(height, width) * rng.uniform(0.3, 1.0)), 8)
    top, left = rng.integers(height - part + 1), rng.integers(width - part + 1)
    return cv2.resize(ground[top : top + part, left : left + part], (size, size))


def _over(
    crop: np.ndarray, texture: np.ndarray, cover: np.ndarray, box: Box
) -> tuple[np.ndarray, float]:
    x, y, w, h = box
    rows = slice(max(round(y), 0), max(round(y + h), 0) + 1)
    columns = slice(max(round(x), 0), max(round(x + w), 0) + 1)
    inside = cover[rows, columns]
    share = float(inside.mean()) if inside.size else 1.0
    soft = cv2.GaussianBlur(cover, (0, 0), 0.7)[..., None]
    return (texture * soft + crop * (1 - soft)).astype(np.uint8), share
