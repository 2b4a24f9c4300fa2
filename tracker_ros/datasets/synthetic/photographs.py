"""Raw material of the demo clip, all of it cut from scikit-image's real photographs.

Cut-outs are float32 [H, W, 4] arrays in [0, 1], BGR premultiplied by alpha.
"""

import cv2
import numpy as np

Array = np.ndarray

# The cup and saucer in scikit-image's "coffee" (600x400 pixels), traced by hand.
_SAUCER = ((278, 226), (200, 162))  # centre, half axes
_CUP_RIM = ((290, 112), (117, 94))
_SPOON_HANDLE = ((398, 92), (402, 70), (412, 67), (423, 72), (424, 84), (410, 130), (396, 140))


def cup(width: int, hue: float | None = None, mirrored: bool = False) -> Array:
    """The cup and saucer, ``width`` pixels wide with a margin of transparent pixels.

    hue: what the saucer's red becomes, in degrees of the colour circle; None leaves it.
    """
    from skimage import data

    photo = np.ascontiguousarray(data.coffee()[..., ::-1])
    mask = np.zeros(photo.shape[:2], np.uint8)
    for centre, axes in (_SAUCER, _CUP_RIM):
        cv2.ellipse(mask, centre, axes, 0, 0, 360, 255, -1, cv2.LINE_AA)
    cv2.fillPoly(mask, [np.array(_SPOON_HANDLE, np.int32)], 255, cv2.LINE_AA)
    if hue is not None:
        photo = _paint_china(photo, hue)
    # One and a half pixels inside the outline, so that no wood shines through the edge.
    mask = cv2.erode(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5)))
    alpha = cv2.GaussianBlur(mask, (0, 0), 1.5).astype(np.float32) / 255
    cut = np.dstack([photo.astype(np.float32) / 255 * alpha[..., None], alpha])
    cut = cv2.copyMakeBorder(cut, 16, 16, 16, 16, cv2.BORDER_CONSTANT, value=(0, 0, 0, 0))
    scale = width / (2 * _SAUCER[1][0])
    cut = cv2.resize(cut, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return cut[:, ::-1].copy() if mirrored else cut


def _paint_china(photo: Array, hue: float) -> Array:
    """Repaints what is red in the photograph; rim, espresso and spoon keep their colours."""
    hsv = cv2.cvtColor(photo, cv2.COLOR_BGR2HSV)
    inside = np.zeros(photo.shape[:2], np.uint8)
    cv2.ellipse(inside, *_CUP_RIM, 0, 0, 360, 255, -1)
    china = (inside == 0) & ((hsv[..., 0] < 9) | (hsv[..., 0] > 170)) & (hsv[..., 1] > 60)
    hsv[china, 0] = int(hue / 2) % 180
    hsv[china, 1] = (hsv[china, 1] * 0.8).astype(np.uint8)
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)


def ground(width: int, height: int, seed: int) -> Array:
    """A garden seen from above, uint8 BGR: gravel, patches of grass, a path of bricks."""
    from skimage import data

    gravel = _tinted(data.gravel(), (0.92, 0.98, 1.04), width, height)
    grass = _tinted(data.grass(), (0.5, 0.88, 0.72), width, height)
    small = cv2.resize(data.brick(), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    bricks = _tinted(small, (0.82, 0.9, 1.05), width, height)
    noise = np.random.default_rng(seed).normal(size=(height // 16, width // 16))
    hills = cv2.GaussianBlur(noise, (0, 0), 4.5)
    hills = cv2.resize(hills, (width, height), interpolation=cv2.INTER_CUBIC)
    lawn = _ramp(hills / hills.std() - 0.2, 0.06)
    column = np.arange(width)[None, :] - 0.35 * np.arange(height)[:, None]
    path = _ramp(70 - np.abs(column - 0.28 * width), 4.0)
    mixed = gravel + lawn[..., None] * (grass - gravel)
    mixed += path[..., None] * (bricks - mixed)
    return np.clip(cv2.GaussianBlur(mixed, (0, 0), 0.8), 0, 255).astype(np.uint8)


def wall(width: int, length: int) -> Array:
    """A brick wall seen from above, opaque, ``length`` pixels high."""
    from skimage import data

    bricks = cv2.resize(data.brick(), None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA)
    return _panel(_tinted(bricks, (0.45, 0.62, 1.1), width, length))


def beam(width: int, length: int) -> Array:
    """A wooden beam cut from the table under the coffee, opaque, ``length`` pixels high."""
    from skimage import data

    wood = data.coffee()[20:380, 490:590, ::-1]
    wood = cv2.resize(wood, None, fx=width / 100, fy=width / 100, interpolation=cv2.INTER_AREA)
    wood = cv2.copyMakeBorder(wood, 0, length - len(wood), 0, 0, cv2.BORDER_REFLECT)
    return _panel(wood.astype(np.float32))


def _tinted(grey: Array, bgr: tuple[float, float, float], width: int, height: int) -> Array:
    """A grey photograph in colour, mirrored until it fills width x height; float32 BGR."""
    bottom, right = max(0, height - grey.shape[0]), max(0, width - grey.shape[1])
    tiled = cv2.copyMakeBorder(grey, 0, bottom, 0, right, cv2.BORDER_REFLECT)[:height, :width]
    return tiled[..., None].astype(np.float32) * np.float32(bgr)


def _panel(bgr: Array) -> Array:
    """Rounds a panel's two long edges by shading them and makes it a cut-out."""
    width = bgr.shape[1]
    across = np.abs(np.linspace(-1, 1, width))
    shade = (1 - 0.45 * across**6).astype(np.float32)[None, :, None]
    return np.dstack([bgr / 255 * shade, np.ones(bgr.shape[:2], np.float32)])


def _ramp(values: Array, softness: float) -> Array:
    return np.clip(values / softness + 0.5, 0, 1).astype(np.float32)
