"""Draws what the tracker knows of a frame."""

from collections.abc import Sequence

import cv2
import numpy as np

from ...core.gate import BRANCHES, Gate
from ...core.geometry.boxes import Box
from .colours import colour_of

COLOURS = {"TRACKING": (80, 220, 60), "UNCERTAIN": (0, 190, 255), "LOST": (60, 60, 235)}  # BGR
OTHER = (200, 200, 200)
FONT = cv2.FONT_HERSHEY_SIMPLEX


def draw(
    image: np.ndarray,
    state: str,
    score: float,
    box: Box | None = None,
    target_id: str = "",
    gate: Gate | None = None,
) -> np.ndarray:
    """A copy of ``image`` (uint8 [H, W, 3] BGR) with box, state, score and the gate's weights."""
    canvas = image.copy()
    unit = max(1, round(min(image.shape[:2]) / 240))
    colour = COLOURS.get(state, OTHER)
    if box is not None:
        x, y, w, h = (round(value) for value in box)
        cv2.rectangle(canvas, (x, y), (x + w, y + h), colour, unit)
    label = state.replace("_", " ").lower() + (f" {target_id}" if target_id else "")
    _text(canvas, f"{label}  {score:.2f}", (4 * unit, 13 * unit), unit, colour)
    if gate is not None:
        _bars(canvas, gate, unit)
    return canvas


def draw_all(
    image: np.ndarray, targets: Sequence[tuple[str, str, float, Box | None]]
) -> np.ndarray:
    """A copy of ``image`` (uint8 [H, W, 3] BGR) with several targets, each in its own colour.

    targets: (id, state, score, box or None).
    """
    canvas = image.copy()
    unit = max(1, round(min(image.shape[:2]) / 240))
    for line, (target_id, state, score, box) in enumerate(targets):
        colour = tuple(round(255 * part) for part in reversed(colour_of(target_id)))
        if box is not None:
            x, y, w, h = (round(value) for value in box)
            cv2.rectangle(canvas, (x, y), (x + w, y + h), colour, unit)
            _text(canvas, target_id, (x + 2 * unit, y + h - 3 * unit), unit, colour)
        text = f"{target_id} {state.replace('_', ' ').lower()}  {score:.2f}"
        _text(canvas, text, (4 * unit, (13 + 11 * line) * unit), unit, colour)
    return canvas


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
    for thickness, ink in ((3 * unit, (0, 0, 0)), (unit, colour)):
        cv2.putText(canvas, text, at, FONT, 0.38 * unit, ink, thickness, cv2.LINE_AA)
