"""Draws what the tracker knows about a frame."""

from collections.abc import Sequence

import cv2
import numpy as np

from ...core.gate import BRANCHES, Gate
from ...core.geometry.boxes import Box
from .colours import colour_of

COLOURS = {"TRACKING": (80, 220, 60), "UNCERTAIN": (0, 190, 255), "LOST": (60, 60, 235)}  # BGR
OTHER = (200, 200, 200)
PITCH = 14  # of lines of text
FONT = cv2.FONT_HERSHEY_SIMPLEX


def draw(
    image: np.ndarray,
    state: str,
    score: float | None,
    box: Box | None = None,
    target_id: str = "",
    gate: Gate | None = None,
) -> np.ndarray:
    """A copy of ``image`` (uint8 [H, W, 3] BGR) with box, state, score and the gate's weights.

    score: None where there is none.
    """
    canvas = image.copy()
    unit = max(1, round(min(image.shape[:2]) / 240))
    colour = COLOURS.get(state, OTHER)
    if box is not None:
        x, y, w, h = (round(value) for value in box)
        cv2.rectangle(canvas, (x, y), (x + w, y + h), colour, unit)
    label = _words(state) + (f" {target_id}" if target_id else "")
    _text(canvas, label + _digits(score), (4 * unit, 13 * unit), unit, colour)
    if gate is not None:
        _bars(canvas, gate, unit)
    return canvas


def draw_all(
    image: np.ndarray, targets: Sequence[tuple[str, str, float | None, Box | None]]
) -> np.ndarray:
    """A copy of ``image`` (uint8 [H, W, 3] BGR) with several targets, each in its own colour.

    targets: (id, state, score or None, box or None).
    """
    canvas = image.copy()
    unit = max(1, round(min(image.shape[:2]) / 240))
    for line, (target_id, state, score, box) in enumerate(targets):
        colour = tuple(round(255 * part) for part in reversed(colour_of(target_id)))
        if box is not None:
            x, y, w, h = (round(value) for value in box)
            cv2.rectangle(canvas, (x, y), (x + w, y + h), colour, unit)
            _name(canvas, target_id, (x, y, w, h), unit, colour)
        text = f"{target_id} {_words(state)}{_digits(score)}"
        _text(canvas, text, (4 * unit, (13 + PITCH * line) * unit), unit, colour)
    return canvas


def _words(state: str) -> str:
    return state.replace("_", " ").lower()


def _digits(score: float | None) -> str:
    return "" if score is None else f"  {score:.2f}"


def _name(canvas: np.ndarray, name: str, box: tuple[int, int, int, int], unit: int, colour) -> None:
    """Write a name above its box, or below where the picture ends; never out of the picture."""
    x, y, _, h = box
    (wide, high), _ = cv2.getTextSize(name, FONT, 0.38 * unit, unit)
    top, gap = y - 3 * unit, 3 * unit
    bottom = y + h + high + gap
    at = top if top - high >= 0 else bottom
    left = min(max(x, gap), max(canvas.shape[1] - wide - gap, 0))
    _text(canvas, name, (left, min(at, canvas.shape[0] - gap)), unit, colour)


def _bars(canvas: np.ndarray, gate: Gate, unit: int) -> None:
    """One bar for each branch, below each other in the lower left corner; the chosen one bright."""
    length, pitch = 50 * unit, 11 * unit
    top = canvas.shape[0] - len(BRANCHES) * pitch - 2 * unit
    for i, (name, weight) in enumerate(zip(BRANCHES, gate.weights, strict=True)):
        colour = (255, 255, 255) if name == gate.branch else (150, 150, 150)
        y = top + i * pitch
        _text(canvas, name, (4 * unit, y + 8 * unit), unit, colour)
        left = 36 * unit
        cv2.rectangle(canvas, (left, y + unit), (left + length, y + 8 * unit), (40, 40, 40), -1)
        right = left + round(length * weight)
        cv2.rectangle(canvas, (left, y + unit), (right, y + 8 * unit), colour, -1)


def _text(canvas: np.ndarray, text: str, at: tuple[int, int], unit: int, colour) -> None:
    # A dark edge; thick dark letters below would do in OpenCV 4, where they are wider.
    for dx, dy in ((-1, -1), (-1, 1), (1, -1), (1, 1), (0, 0)):
        place = at[0] + dx * unit, at[1] + dy * unit
        ink = colour if dx == 0 else (0, 0, 0)
        cv2.putText(canvas, text, place, FONT, 0.38 * unit, ink, unit, cv2.LINE_AA)
