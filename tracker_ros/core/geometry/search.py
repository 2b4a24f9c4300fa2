"""Search for a lost target: over the whole image, the nearest places first."""

from __future__ import annotations

import math

from .boxes import Box

MOST_PLACES = 40  # one a frame: all of the image within little more than a second
COARSEST = 2.0  # times the target's side: coarser, the target has too few pixels to be known


def elsewhere(box: Box, size: tuple[int, int], lost_frames: int, factor: float) -> Box:
    """The box to centre a second search window on, in the ``lost_frames``-th frame of a loss.

    Windows of ``factor``·√(w·h) cover the image and overlap by a target; one is looked at in each
    frame, from the nearest to the farthest, and then all again. Where a small target would need
    more than ``MOST_PLACES`` of them, windows are up to ``COARSEST`` times as wide.

    Args:
        box: x, y, width, height, image pixels, where the target was seen last.
        size: width and height of the image, pixels.
    Returns:
        A box of the target's proportions.
    """
    x, y, w, h = box
    side = math.sqrt(w * h)
    step = max((factor - 1) * side, 8.0)
    needed = math.ceil(size[0] / step) * math.ceil(size[1] / step)
    coarse = min(max(math.sqrt(needed / MOST_PLACES), 1.0), COARSEST)
    columns, rows = (max(math.ceil(length / (step * coarse)), 1) for length in size)
    cx, cy = x + w / 2, y + h / 2
    centres = sorted(
        (
            ((column + 0.5) * size[0] / columns, (row + 0.5) * size[1] / rows)
            for row in range(rows)
            for column in range(columns)
        ),
        key=lambda centre: math.hypot(centre[0] - cx, centre[1] - cy),
    )
    px, py = centres[(lost_frames - 1) % len(centres)]
    w, h = w * coarse, h * coarse
    return px - w / 2, py - h / 2, w, h
