"""Where to look: around the target, or, while it is lost, in rings around where it was."""

from __future__ import annotations

import math

from .boxes import Box

PATIENCE = 30  # frames at the place itself, where most occlusions end
DIRECTIONS = 8


def sweep(box: Box, lost_frames: int, reach: float) -> Box:
    """The box to centre the search window on in the ``lost_frames``-th frame without a target.

    The place itself for ``PATIENCE`` frames; then eight places around it, one a frame, then again
    in a wider ring (at most three times ``reach``): a target that left cover elsewhere is met
    within a few frames at the cost of one window a frame.

    Args:
        box: x, y, width, height, image pixels, where the target was seen last.
        reach: radius of the first ring in units of √(w·h).
    """
    x, y, w, h = box
    turn, step = divmod(max(lost_frames - PATIENCE, 0), DIRECTIONS + 1)
    if step == 0:
        return box
    radius = reach * min(turn + 1, 3) * math.sqrt(w * h)
    angle = 2 * math.pi * (step - 1) / DIRECTIONS
    return x + radius * math.cos(angle), y + radius * math.sin(angle), w, h
