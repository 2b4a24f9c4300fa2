"""Draws an ``engines.attention.Explanation``: frame, response, memorised pictures, curves."""

from collections.abc import Sequence

import cv2
import numpy as np

from ...core.gate import BRANCHES, Gate
from ...core.geometry.boxes import Box
from .overlay import FONT

FRAME, CROP, THUMB, STRIP = 360, 180, 120, 64  # heights, pixels
WIDTH = 900
MOST = 7  # pictures in the row
INK, DIM, GROUND = (235, 235, 235), (150, 150, 150), (24, 24, 24)
CURVES = ((180, 180, 180), (80, 220, 60), (0, 190, 255), (235, 120, 60))  # of the branches, BGR


class AttentionView:
    """Makes pictures of equal size, uint8 [H, WIDTH, 3] BGR, one for each frame.

    At the top: the annotated frame, and the query crop with its response. Below: the pictures that
    could be read, where the target's cells looked in each, and with which share. At the bottom:
    score and gate of the frames so far.
    """

    height = FRAME + THUMB + STRIP + 40

    def __init__(self):
        self._scores: list[float] = []
        self._gates: list[Gate | None] = []

    def draw(self, frame: np.ndarray, explanation, score: float, gate: Gate | None) -> np.ndarray:
        """One picture.

        Args:
            frame: the annotated image, uint8 [H, W, 3] BGR. explanation: None before the first
                query. gate: the decision for the frame memorised last.
        """
        self._scores.append(score)
        self._gates.append(gate)
        canvas = np.full((self.height, WIDTH, 3), GROUND, np.uint8)
        fit(canvas[:FRAME, : WIDTH - CROP - 4], frame)
        if explanation is not None:
            self._query(canvas, explanation)
            self._memory(canvas, explanation)
        self._curves(canvas[-STRIP:])
        return canvas

    def _query(self, canvas: np.ndarray, explanation) -> None:
        place = canvas[:CROP, WIDTH - CROP :]
        heated = heat(explanation.query, explanation.response, limit=1.0)
        place[:] = cv2.resize(with_box(heated, explanation.box), (CROP, CROP))
        text(canvas, "response", (WIDTH - CROP, CROP + 14))
        text(canvas, f"best cell {explanation.response.max():.2f}", (WIDTH - CROP, CROP + 32))
        if explanation.elsewhere:
            words = f"looks at itself {explanation.elsewhere:.0%}"
            text(canvas, words, (WIDTH - CROP, CROP + 50))

    def _memory(self, canvas: np.ndarray, explanation) -> None:
        top = FRAME + 20
        shown = explanation.glances or explanation.pictures
        if len(shown) > MOST:  # the first, and the newest
            shown = (shown[0], *shown[1 - MOST :])
        most = max((glance.heat.max() for glance in explanation.glances), default=0.0)
        for number, one in enumerate(shown):
            left = number * (THUMB + 8)
            picture = getattr(one, "picture", one)
            image = picture.crop
            if explanation.glances:
                image = heat(image, one.heat, most)
                text(canvas, f"{one.share:.0%}", (left + 4, top + THUMB + 15))
            image = with_box(image, picture.box)
            canvas[top : top + THUMB, left : left + THUMB] = cv2.resize(image, (THUMB, THUMB))
        words = "where the target's cells look in the memory"
        text(canvas, words if explanation.glances else "templates", (4, FRAME + 14), DIM)

    def _curves(self, strip: np.ndarray) -> None:
        height, width = strip.shape[:2]
        recent = slice(max(len(self._scores) - width // 2, 0), None)
        curves = [(INK, self._scores[recent])]
        gates = self._gates[recent]
        if any(gates):
            for index, colour in enumerate(CURVES):
                weights = [gate.weights[index] if gate else np.nan for gate in gates]
                curves.append((colour, weights))
        for colour, values in curves:
            points = [
                (2 * i, round((height - 3) * (1 - min(max(v, 0.0), 1.0))) + 1)
                for i, v in enumerate(values)
                if np.isfinite(v)
            ]
            cv2.polylines(strip, [np.array(points, np.int32).reshape(-1, 1, 2)], False, colour, 1)
        names = [("score", INK)]
        if any(gates):
            names += list(zip(BRANCHES, CURVES, strict=True))
        for number, (name, colour) in enumerate(names):
            text(strip, name, (4 + 60 * number, 14), colour)


def heat(image: np.ndarray, values: np.ndarray, limit: float) -> np.ndarray:
    """A copy of ``image`` with ``values``, float [h, w], as a heat map; ``limit`` is hottest."""
    scaled = np.clip(values / max(limit, 1e-9), 0, 1)
    glow = cv2.resize(scaled.astype(np.float32), image.shape[1::-1])[..., None]
    colours = cv2.applyColorMap(np.uint8(255 * glow), cv2.COLORMAP_INFERNO)
    return np.uint8(image * (1 - 0.7 * glow) + colours * (0.7 * glow))


def with_box(image: np.ndarray, box: Box) -> np.ndarray:
    """A copy of ``image`` with a box on it."""
    copy = image.copy()
    x, y, w, h = map(round, box)
    cv2.rectangle(copy, (x, y), (x + w, y + h), INK, 1)
    return copy


def fit(place: np.ndarray, image: np.ndarray) -> None:
    """Draw ``image`` as large as it fits into ``place``."""
    factor = min(place.shape[0] / image.shape[0], place.shape[1] / image.shape[1])
    size = [max(1, round(side * factor)) for side in image.shape[1::-1]]
    place[: size[1], : size[0]] = cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def text(canvas: np.ndarray, words: str, at: tuple[int, int], colour: Sequence[int] = INK) -> None:
    """Write on ``canvas``; ``at``: the lower left corner of the words, x and y in pixels."""
    cv2.putText(canvas, words, at, FONT, 0.42, colour, 1, cv2.LINE_AA)
