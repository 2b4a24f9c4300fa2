"""The demo's clip: a cup on its way through a garden, filmed from above, with known truth.

Everything is a function of frame index and seed, so any frame can be rendered alone.

Coordinates: the world is the ground's pixels; the frame is 640x480. Boxes are (x, y, w, h) floats,
top-left x and y in frame pixels, of the target's full outline, also while a part of it is hidden.
A frame in which less than ``ABSENT_BELOW`` of the target can be seen has no box.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from ...core.geometry.boxes import Box
from . import photographs
from .compositing import cast_shadow, outline, paste, similarity

WIDTH, HEIGHT, FPS = 640, 480, 30
FRAMES = 450
ABSENT_BELOW = 0.02

_WORLD = (2300, 1500)
_OVERHEAD_PARALLAX = 1.07  # what is nearer to the camera moves by so much more
_SHADOW_OFFSET = (26, 14)

# Key frames over the clip's 15 seconds, joined by cubic splines.
_SECONDS = (0.0, 2.5, 5.0, 7.5, 10.0, 12.5, 15.0)
_TARGET_X = (560, 780, 960, 1210, 1480, 1640, 1820)
_TARGET_Y = (860, 640, 830, 700, 600, 860, 720)
_TARGET_TURN = (0, 35, -25, 10, 60, 15, -30)  # degrees
_TARGET_SIZE = (1.0, 1.15, 0.95, 1.1, 0.85, 1.1, 1.25)
_ZOOM = (1.0, 1.15, 0.9, 0.98, 1.2, 0.9, 1.0)
_ROLL = (0, 3, -3, 2, -4, 3, 0)  # degrees
_LIGHT = (1.0, 0.75, 1.1, 1.0, 0.6, 1.05, 0.85)
_WARMTH = (0.0, 0.04, -0.03, 0.0, 0.06, -0.04, 0.02)

# The camera sways slowly (the first two: along x and y) and shakes fast (x, y, x, y, roll).
_SHAKE_HERTZ = (0.23, 0.31, 3.1, 4.3, 6.7, 5.9, 2.6)

_TARGET_WIDTH = 74  # world pixels


@dataclass(frozen=True)
class _LookAlike:
    """Another cup: circles round a point that follows the target's path, some time ahead.

    These numbers were searched for: every one comes within 230 world pixels of the target and
    none runs into another cup.
    """

    hue: float
    mirrored: bool
    width: int  # world pixels
    ahead: float  # seconds
    offset: tuple[float, float]  # world pixels
    radius: float
    hertz: float
    phase: float


_LOOK_ALIKES = (
    _LookAlike(28, True, 72, 0.0, (0, -60), 250, 0.12, 4.6),
    _LookAlike(214, False, 78, 0.2, (0, -70), 270, 0.13, 0.6),
    _LookAlike(150, False, 70, 0.2, (-100, 10), 280, 0.13, 0.6),
    _LookAlike(325, True, 76, -0.6, (40, -40), 250, 0.12, 2.5),
)


class SyntheticClip:
    """Renders the clip's frames and knows where the target is in them."""

    def __init__(self, frames: int = FRAMES, seed: int = 1):
        from scipy.interpolate import CubicSpline

        self.length = frames
        self._seed = seed
        keys = np.stack(
            [_TARGET_X, _TARGET_Y, _TARGET_TURN, _TARGET_SIZE, _ZOOM, _ROLL, _LIGHT, _WARMTH],
            axis=1,
        )
        self._spline = CubicSpline(_SECONDS, keys)
        random = np.random.default_rng(seed)
        self._phases = random.uniform(0, 2 * math.pi, size=7)
        self._grain = random.normal(0, 2.0, (HEIGHT + 64, WIDTH + 64, 1)).astype(np.float32)
        self._ground = photographs.ground(*_WORLD, seed)
        self._overhead = _overhead()
        self._shadow = _shadow(self._overhead[..., 3])
        self._target = photographs.cup(_TARGET_WIDTH * 2)
        self._outline = outline(self._target)
        self._cups = [photographs.cup(c.width * 2, c.hue, c.mirrored) for c in _LOOK_ALIKES]

    def render(self, index: int, with_target: bool = True) -> np.ndarray:
        """Frame ``index`` as uint8 [480, 640, 3] BGR; without target, only its shadow is left."""
        time = index / FPS
        camera = self._camera(time)
        size = (WIDTH, HEIGHT)
        frame = cv2.warpAffine(self._ground, camera[:2], size, borderMode=cv2.BORDER_REFLECT)
        frame = frame.astype(np.float32) / 255
        for cup, place in zip(self._cups, self._look_alikes(time), strict=True):
            cast_shadow(frame, cup, camera @ place)
            paste(frame, cup, camera @ place)
        place = camera @ self._pose(time)
        cast_shadow(frame, self._target, place)
        if with_target:
            paste(frame, self._target, place)
        shadow = cv2.warpAffine(self._shadow, camera[:2], size, borderValue=1.0)
        frame *= shadow[..., None]
        overhead = cv2.warpAffine(self._overhead, _nearer(camera), size)
        frame = frame * (1 - overhead[..., 3:]) + overhead[..., :3]
        return self._exposed(frame, time, index)

    def truth(self, index: int, cup: int = 0) -> Box | None:
        """A cup's box in frame ``index``, the target's for 0; None while it is hidden."""
        if self.visible(index, cup) < ABSENT_BELOW:
            return None
        image, pose = self._placed(index / FPS, cup)
        shape = outline(image) if cup else self._outline
        # Half a pixel from a pixel's centre, an integer here, to its corner, an integer in boxes.
        points = shape @ (self._camera(index / FPS) @ pose)[:2].T + 0.5
        (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
        return float(left), float(top), float(right - left), float(bottom - top)

    def visible(self, index: int, cup: int = 0) -> float:
        """The share of a cup's outline in frame ``index`` that nothing hides, in [0, 1].

        What is outside the frame counts as hidden where that is more than half of it.
        """
        alpha, overhead = self.coverage(index, cup)
        image, pose = self._placed(index / FPS, cup)
        scale = np.linalg.det((self._camera(index / FPS) @ pose)[:2, :2])
        whole = max(alpha.sum(), 0.5 * scale * image[..., 3].sum())
        return float((alpha * (1 - overhead)).sum() / whole)

    @property
    def cups(self) -> int:
        """How many there are, with the target."""
        return 1 + len(self._cups)

    def coverage(self, index: int, cup: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """How much of each pixel of frame ``index`` a cup and what is overhead fill, in [0, 1]."""
        time = index / FPS
        camera = self._camera(time)
        image, pose = self._placed(time, cup)
        alpha = cv2.warpAffine(image[..., 3], (camera @ pose)[:2], (WIDTH, HEIGHT))
        overhead = cv2.warpAffine(self._overhead[..., 3], _nearer(camera), (WIDTH, HEIGHT))
        return alpha, overhead

    def _placed(self, time: float, cup: int) -> tuple[np.ndarray, np.ndarray]:
        """A cup's cut-out and its way to the world, 3x3."""
        if cup == 0:
            return self._target, self._pose(time)
        return self._cups[cup - 1], self._look_alikes(time)[cup - 1]

    def at(self, time: float) -> np.ndarray:
        """Between key frames: x, y, turn, size, zoom, roll, light and warmth; ``time``: seconds."""
        return self._spline(time)

    def _pose(self, time: float) -> np.ndarray:
        """From the target's cut-out to the world, 3x3."""
        x, y, turn, size = self.at(time)[:4]
        return similarity(self._target, x, y, turn, size / 2)

    def _look_alikes(self, time: float) -> list[np.ndarray]:
        poses = []
        for cup, image in zip(_LOOK_ALIKES, self._cups, strict=True):
            x, y = self.at(time + cup.ahead)[:2] + cup.offset
            angle = cup.phase + 2 * math.pi * cup.hertz * time
            x, y = x + cup.radius * math.cos(angle), y + cup.radius * math.sin(angle)
            poses.append(similarity(image, x, y, 40 * math.sin(angle), 0.5))
        return poses

    def _camera(self, time: float) -> np.ndarray:
        """From the world to the frame, 3x3: follows the target late, sways and shakes."""
        x, y = np.mean([self.at(time - late)[:2] for late in (0.1, 0.3, 0.5)], axis=0)
        zoom, roll = self.at(time)[4:6]
        wave = np.sin(2 * math.pi * time * np.array(_SHAKE_HERTZ) + self._phases)
        x += 70 * wave[0] + 2.5 * wave[2] + wave[4]
        y += 45 * wave[1] + 2.0 * wave[3] + wave[5]
        turn = math.radians(roll + 0.4 * wave[6])
        cos, sin = zoom * math.cos(turn), zoom * math.sin(turn)
        camera = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1.0]])
        camera[:2, 2] = (WIDTH / 2, HEIGHT / 2) - camera[:2, :2] @ (x, y)
        return camera

    def _exposed(self, frame: np.ndarray, time: float, index: int) -> np.ndarray:
        """Light and colour of the moment, and the sensor's grain."""
        light, warmth = self.at(time)[6:8]
        frame = frame * np.float32(
            [255 * light * (1 - warmth), 255 * light, 255 * light * (1 + warmth)]
        )
        dy, dx = np.random.default_rng((self._seed, index)).integers(0, 64, size=2)
        frame += self._grain[dy : dy + HEIGHT, dx : dx + WIDTH]
        return np.clip(frame, 0, 255).astype(np.uint8)


def _overhead() -> np.ndarray:
    """What stands between camera and garden: two wooden beams and a wall, in world pixels."""
    layer = np.zeros((_WORLD[1], _WORLD[0], 4), np.float32)
    length = _WORLD[1] + 600
    for panel, x, turn in (
        (photographs.beam(40, length), 800, 7),
        (photographs.wall(150, length), 1220, -6),
        (photographs.beam(46, length), 1660, 4),
    ):
        place = similarity(panel, x, _WORLD[1] / 2, turn, 1.0)
        layer += cv2.warpAffine(panel, place[:2], _WORLD)
    return layer


def _shadow(alpha: np.ndarray) -> np.ndarray:
    """The light that passes what is overhead, float32 in [0, 1], in world pixels."""
    dx, dy = _SHADOW_OFFSET
    fallen = cv2.warpAffine(alpha, np.float32([[1, 0, dx], [0, 1, dy]]), alpha.shape[::-1])
    return 1 - 0.5 * cv2.GaussianBlur(fallen, (0, 0), 6)


def _nearer(camera: np.ndarray) -> np.ndarray:
    """The camera's view (2x3) of what is overhead: larger, from the frame's centre."""
    view = camera[:2] * _OVERHEAD_PARALLAX
    view[:, 2] += (1 - _OVERHEAD_PARALLAX) * np.array([WIDTH / 2, HEIGHT / 2])
    return view
