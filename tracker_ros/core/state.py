"""State of the target, with hysteresis, from the scores of the frames so far."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .config import TrackingConfig


class TargetState(Enum):
    """TRACKING: sure. UNCERTAIN: a box, but weak evidence. LOST: no box is published."""

    TRACKING = "tracking"
    UNCERTAIN = "uncertain"
    LOST = "lost"


@dataclass(frozen=True)
class Presence:
    """State and the two counters behind its hysteresis.

    Attributes:
        weak: consecutive frames below ``lost_score`` (while not lost).
        strong: consecutive frames at or above ``recover_score`` (while lost).
        lost_frames: frames since the target was lost; 0 while it is not.
    """

    state: TargetState = TargetState.TRACKING
    weak: int = 0
    strong: int = 0
    lost_frames: int = 0

    def after(self, score: float, config: TrackingConfig) -> Presence:
        """The presence after one more frame with this score."""
        if self.state is TargetState.LOST:
            strong = self.strong + 1 if score >= config.recover_score else 0
            if strong >= config.recover_after:
                return Presence()
            return Presence(TargetState.LOST, strong=strong, lost_frames=self.lost_frames + 1)
        weak = self.weak + 1 if score < config.lost_score else 0
        if weak >= config.lost_after:
            return JUST_LOST
        sure = score >= config.tracking_score
        return Presence(TargetState.TRACKING if sure else TargetState.UNCERTAIN, weak=weak)


JUST_LOST = Presence(TargetState.LOST, lost_frames=1)
