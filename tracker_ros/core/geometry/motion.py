"""Where a target goes, for the window of the next frame: at constant velocity, in the picture or
over the ground."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .boxes import Box, Point, shifted

RATE = 0.5  # of a new step in the velocity, and of what is left of it where none was seen
SLOW = 0.3  # sides of the target in a frame; what is slower stays in the middle of its window

# Of the errors by which the two guesses of a course are judged, in sides of the target.
ERROR_RATE, FARTHEST = 0.3, 1.0  # of a new one in the running average; the largest that counts
TELLING = 0.1  # background's shift from which on the guesses differ enough to be judged
BETTER = 0.1  # by how much the one over the ground must be better


@dataclass(frozen=True)
class Motion:
    """Velocity x, y in image pixels per frame; None before the first step."""

    velocity: Point | None = None

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

    def step(self, share: float = 1.0) -> Point:
        """By how much it goes until the next frame, at this share of the velocity."""
        return (share * self.velocity[0], share * self.velocity[1]) if self.velocity else (0.0, 0.0)

    def carry(self, place: Point) -> Point:
        """Where a place, x and y in image pixels, is in the next frame."""
        x, y = self.step()
        return place[0] + x, place[1] + y


AT_REST = Motion((0.0, 0.0))


@dataclass(frozen=True)
class Course:
    """Where a target goes, told in two ways.

    A camera that follows its target leaves it where it is in the picture, whatever the background
    does. Any other, and one that shakes, carries it along with the background. Which of the two is
    the case, the errors of both guesses say.

    Attributes:
        picture, ground: velocities in the picture, and against the background.
        errors: running averages of both guesses' errors while the background shifted, in sides of
            the target.
        seen: whether the target was, in the last frame.
    """

    picture: Motion = Motion()
    ground: Motion = AT_REST
    errors: Point = (0.0, 0.0)
    seen: bool = True

    @property
    def carried(self) -> bool:
        """Whether the background carries the target along."""
        return self.errors[1] + BETTER < self.errors[0]

    def after(self, before: Box, box: Box, seen: bool, share: float, shift: Point) -> Course:
        """One frame later: the target was ``seen`` to go from one box to the other, or was not.

        ``share``: see ``ahead``. ``shift``: of the background since then, image pixels.
        """
        x = box[0] + box[2] / 2 - before[0] - before[2] / 2
        y = box[1] + box[3] / 2 - before[1] - before[3] / 2
        picture = self.picture.moved(x, y) if seen else self.picture.slower()
        if not (seen and self.seen):  # what is seen again has come farther than in one frame
            return Course(picture, self.ground.slower(), self.errors, seen)
        side, errors = math.sqrt(before[2] * before[3]), self.errors
        if math.hypot(*shift) > TELLING * side:
            first, second = (
                error + ERROR_RATE * (min(math.dist((x, y), step) / side, FARTHEST) - error)
                for error, step in zip(errors, self._steps(share, shift), strict=True)
            )
            errors = first, second
        return Course(picture, self.ground.moved(x - shift[0], y - shift[1]), errors)

    def ahead(self, box: Box, share: float, shift: Point) -> Box:
        """Where ``box`` is in the next frame, at this ``share`` of the velocity.

        ``shift``: of that frame's background, image pixels.
        """
        return _at(box, self._steps(share, shift)[self.carried])

    def otherwise(self, box: Box, share: float, shift: Point) -> Box | None:
        """The same, told in the other way; None if that is nearly the same."""
        guesses = [_at(box, step) for step in self._steps(share, shift)]
        if math.dist(guesses[0][:2], guesses[1][:2]) <= SLOW * math.sqrt(box[2] * box[3]):
            return None
        return guesses[not self.carried]

    def _steps(self, share: float, shift: Point) -> tuple[Point, Point]:
        """By how much the target goes in the next frame: in the picture, and over the ground."""
        x, y = self.ground.step(share)
        return self.picture.step(share), (shift[0] + x, shift[1] + y)


def _at(box: Box, step: Point) -> Box:
    """``box`` after a step; it stays for a small one."""
    return box if math.hypot(*step) <= SLOW * math.sqrt(box[2] * box[3]) else shifted(box, step)
