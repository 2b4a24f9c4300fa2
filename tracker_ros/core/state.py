"""State of the target, with hysteresis, from the scores of the frames so far."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from .config import TrackingConfig

# Below this share of ``lost_score`` for so many frames, the old box is hardly ever right any more
# (docs/search.md): none is published, but the target is still looked for where it was.
UNSEEN_SHARE, UNSEEN_AFTER = 0.5, 2


class TargetState(Enum):
    """TRACKING: sure. UNCERTAIN: a box, but weak evidence. LOST: no box is published."""

    TRACKING = "tracking"
    UNCERTAIN = "uncertain"
    LOST = "lost"


@dataclass(frozen=True)
class Presence:
    """State and the counters behind its hysteresis.

    Attributes:
        weak: consecutive frames below ``lost_score`` (until it is given up).
        unseen: the same, below ``UNSEEN_SHARE`` of it.
        strong: consecutive frames at or above ``recover_score`` (once it is given up).
        lost_frames: frames since the target was lost; 0 while it is not.
        searched: frames since it was given up: it is looked for elsewhere, too, and has to be told
            from others before it counts as found. 0 while it is not.
    """

    state: TargetState = TargetState.TRACKING
    weak: int = 0
    unseen: int = 0
    strong: int = 0
    lost_frames: int = 0
    searched: int = 0

    @property
    def given_up(self) -> bool:
        """Whether the target has been lost for so long that it may be anywhere."""
        return self.searched > 0

    def after(self, score: float, config: TrackingConfig) -> Presence:
        """The presence after one more frame with this score."""
        if self.given_up:
            strong = self.strong + 1 if score >= config.recover_score else 0
            if strong >= config.recover_after:
                return Presence()
            return replace(self._lost(), strong=strong, searched=self.searched + 1)
        weak = self.weak + 1 if score < config.lost_score else 0
        unseen = self.unseen + 1 if score < UNSEEN_SHARE * config.lost_score else 0
        if weak >= config.lost_after:
            return replace(self._lost(), searched=1)
        if unseen >= UNSEEN_AFTER:
            return replace(self._lost(), weak=weak, unseen=unseen)
        sure = score >= config.tracking_score
        state = TargetState.TRACKING if sure else TargetState.UNCERTAIN
        return Presence(state, weak=weak, unseen=unseen)

    def lose(self) -> Presence:
        """The target is given up, from the last frame on."""
        return Presence(TargetState.LOST, lost_frames=max(self.lost_frames, 1), searched=1)

    def _lost(self) -> Presence:
        return Presence(TargetState.LOST, lost_frames=self.lost_frames + 1)
