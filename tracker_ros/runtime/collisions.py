"""Two targets whose boxes lie on each other for some frames: one was mistaken for the other."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ..core.geometry.boxes import Box
from .association import overlaps

TOO_MUCH = 0.7  # IoU of two boxes that are about one thing
FRAMES = 5  # in a row, until it counts; look-alikes that cross are apart again by then


@dataclass(frozen=True)
class Sight:
    """A target in one frame; found_again: it was lost in the frame before."""

    id: str
    box: Box
    score: float
    found_again: bool = False


class Collisions:
    """Watches pairs of boxes over frames."""

    def __init__(self):
        # Of each pair: frames in a row, and the sum of the first's score minus the second's.
        self._pairs: dict[tuple[str, str], tuple[int, float]] = {}
        self._last_apart: dict[str, Box] = {}

    def yielding(self, sights: Sequence[Sight], live: Collection[str]) -> dict[str, str]:
        """Which target must yield to which in this frame: id of the loser → id of the winner.

        After ``FRAMES`` frames on each other, the one with the lower scores meanwhile must yield; a
        target that was just found again on top of another, at once. live: all targets, also lost
        ones.
        """
        found = overlaps([one.box for one in sights], [one.box for one in sights])
        pairs, touched = {}, defaultdict(bool)
        losers: dict[str, str] = {}
        for i, one in enumerate(sights):
            for j in range(i + 1, len(sights)):
                other = sights[j]
                if found[i, j] <= TOO_MUCH:
                    continue
                touched[one.id] = touched[other.id] = True
                frames, lead = self._pairs.get((one.id, other.id), (0, 0.0))
                frames, lead = frames + 1, lead + one.score - other.score
                pairs[one.id, other.id] = frames, lead
                if one.found_again != other.found_again:
                    loser, winner = (one, other) if one.found_again else (other, one)
                elif frames >= FRAMES:
                    loser, winner = (one, other) if lead < 0 else (other, one)
                else:
                    continue
                if winner.id not in losers:
                    losers.setdefault(loser.id, winner.id)
        self._pairs = {pair: of for pair, of in pairs.items() if not losers.keys() & set(pair)}
        kept = {one: box for one, box in self._last_apart.items() if one in live}
        self._last_apart = kept | {one.id: one.box for one in sights if not touched[one.id]}
        return losers

    def last_apart(self, target_id: str) -> Box | None:
        """Where a target was when it last did not lie on another."""
        return self._last_apart.get(target_id)
