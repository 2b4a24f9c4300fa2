"""Where a target goes: at constant velocity, for the window of the next frame."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .boxes import Box

RATE = 0.5  # of a new step in the velocity, and of what is left of it where none was seen
SLOW = 0.3  # sides of the target in a frame; what is slower stays in the middle of its window


@dataclass(frozen=True)
class Motion:
    """Velocity x, y in image pixels per frame; None before the first step."""

    velocity: tuple[float, float] | None = None

    def after(self, before: Box, box: Box, seen: bool) -> Motion:
        """One frame later: the target was ``seen`` to go from one box to the other, or was not."""
        if not seen:
            return self.slower()
        x = box[0] + box[2] / 2 - before[0] - before[2] / 2
        y = box[1] + box[3] / 2 - before[1] - before[3] / 2
        return self.moved(x, y)

    def moved(self, x: float, y: float) -> Motion:
        """One frame later: it was seen to go by x, y, image pixels."""
        last = self.velocity
        if last is None:
            return Motion((x, y))
        return Motion((last[0] + RATE * (x - last[0]), last[1] + RATE * (y - last[1])))

    def slower(self) -> Motion:
        """One frame later: it was not seen."""
        last = self.velocity
        return self if last is None else Motion((last[0] * RATE, last[1] * RATE))

    def carry(self, place: tuple[float, float]) -> tuple[float, float]:
        """Where a place, x and y in image pixels, is in the next frame."""
        if self.velocity is None:
            return place
        return place[0] + self.velocity[0], place[1] + self.velocity[1]

    def ahead(self, box: Box, share: float) -> Box:
        """Where ``box`` is in the next frame, at this share of the velocity."""
        x, y, w, h = box
        if self.velocity is None:
            return box
        across, down = share * self.velocity[0], share * self.velocity[1]
        if math.hypot(across, down) <= SLOW * math.sqrt(w * h):
            return box
        return x + across, y + down, w, h
