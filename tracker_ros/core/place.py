"""Where a target is thought to be, where it was for sure, how large it is and where it goes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from .config import TrackingConfig
from .geometry.boxes import Box, scaled
from .geometry.camera import UNSEEN, Background
from .geometry.motion import Course
from .state import Presence, TargetState


@dataclass(frozen=True)
class Place:
    """Boxes are (x, y, width, height) in image pixels.

    Attributes:
        box: where the target is thought to be. sure: where it was in the last frame that was
            TRACKING.
        whole: width and height that it had when all of it was seen; None before.
        course: where it goes.
    """

    box: Box
    sure: Box
    whole: tuple[float, float] | None = None
    course: Course = field(default_factory=Course)

    def at(self, box: Box) -> Place:
        """The target is at ``box``, and that is sure."""
        return replace(self, box=box, sure=box)

    def carried(self, background: Background) -> Place:
        """The target goes along with the ``background`` of the next image, if it did of late."""
        if not self.course.carried:
            return self
        return replace(self, box=background.carry(self.box), sure=background.carry(self.sure))

    def lost(self, around: Box | None = None) -> Place:
        """Begin a loss: look ``around`` a box, or around the place where the target was for sure.

        The box gets the size that it had when all of the target was seen. A box shrinks while its
        target is half hidden, and windows of that scale would miss the target.
        """
        box = self.sure if around is None else around
        if self.whole is not None:
            box = scaled(box, self.whole[0] / box[2], self.whole[1] / box[3])
        return self.at(box)

    def after(
        self,
        found: Box,
        score: float,
        presence: Presence,
        clear: bool,
        config: TrackingConfig,
        background: Background = UNSEEN,
    ) -> Place:
        """One frame later: the box follows what was ``found`` if the score is high enough.

        ``presence``: after this frame. ``clear``: whether all of the target was seen.
        ``background``: of this image.
        """
        here = self.carried(background)
        if presence.given_up:
            # Look again at what looks like it; otherwise around where it was seen for sure.
            box = found if score >= config.recover_score else here.sure
        else:  # weak evidence must not move the window
            box = found if score >= config.lost_score else background.keep(here.box)
        sure = presence.state is TargetState.TRACKING
        course = self.course.after(self.box, box, sure, config.motion, background.shift)
        whole = box[2:] if sure and clear else self.whole
        return Place(box, box if sure else here.sure, whole, course)
