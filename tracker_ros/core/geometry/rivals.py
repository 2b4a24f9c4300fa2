"""Others that answer as the target does (distractors): each is followed, to be told from it.

What is learned online answers to everything alike, so in a crowd its response has several peaks.
Which of them is the target, places and velocities say: all peaks are assigned to the target and to
its rivals at once, at the least cost, as in multiple hypothesis tracking (Reid, 1979) with only the
best hypothesis kept.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from .boxes import Point
from .crop import Window
from .decode import Prediction
from .motion import AT_REST, Motion
from .peaks import Peak, all_peaks, bell

MOST = 5  # peaks that are looked at, and objects that are followed, the target among them

# Costs of an assignment of peaks to the target and its rivals. A peak elsewhere than expected costs
# the square of the distance in units of SPREAD (sides of the target), at most FAR.
SPREAD, FAR = 0.3, 3.0
WEAKER = 10.0  # a target's peak whose response is weaker by 1 than the highest
WEAKER_NEAR = 3.0  # the same while a rival is near the target
NEW = 1.5  # a peak as high as the highest that is neither the target's nor a rival's
MISSED, HIDDEN = 2.0, 4.0  # a rival without a peak, the target without one

KNOWN = 0.6  # of the target's usual response: a weaker peak is neither it nor a rival to mind
NEAR = 1.2  # sides between target and rival: closer, they may be confused
TOGETHER = 0.7  # sides: closer, they may have one peak
PATIENCE, TOGETHER_PATIENCE = 3, 20  # frames for which a rival without a peak is kept
STRENGTH_RATE, USUAL_RATE = 0.3, 0.2  # of a new response in a rival's usual one, in the target's
NEW_AWAY = 0.4  # sides from the target's peak: a nearer peak is a part of the target
HIDE = 3.0  # cells around a rival's peak that are hidden


@dataclass(frozen=True)
class Rival:
    """One of the others. ``place``: image pixels. ``motion``: its velocity.

    ``strength``: its usual response. ``age``: frames in which it was seen again. ``missed``: frames
    since it was.
    """

    place: Point
    strength: float
    motion: Motion = field(default_factory=Motion)
    age: int = 0
    missed: int = 0

    @property
    def expected(self) -> Point:
        """Where it is in the next frame."""
        return self.motion.carry(self.place)

    def at(self, peak: Peak) -> Rival:
        """It was seen again."""
        strength = self.strength + STRENGTH_RATE * (peak.strength - self.strength)
        motion = self.motion.moved(*_step(self.place, peak.place))
        return Rival(peak.place, strength, motion, self.age + 1)

    def unseen(self) -> Rival:
        """It was not seen: it is thought to go on."""
        return replace(self, place=self.expected, missed=self.missed + 1)


@dataclass(frozen=True)
class Rivals:
    """A target's rivals, and what tells it from them. Immutable.

    Attributes:
        others: the oldest first.
        place, motion: of the target's peak, and its velocity; None before the second frame.
        usual: the target's usual response.
        crowded: whether a rival is so close that what is learned may be its.
        hidden: where the target is thought to be while it and a rival have one peak; None
            otherwise. together: frames of that.
    """

    others: tuple[Rival, ...] = ()
    place: Point | None = None
    motion: Motion = AT_REST
    usual: float = 0.0
    crowded: bool = False
    hidden: Point | None = None
    together: int = 0

    def judge(self, prediction: Prediction, window: Window, centre: Point, side: float) -> Verdict:
        """Tell which peak of the response is the target's.

        Args:
            prediction: the answer to the crop of ``window``, with a response.
            centre, side: where the target's peak was in the last frame, and √(w·h) of its box;
                image pixels.
        """
        assert prediction.response is not None
        peaks = all_peaks(prediction.response, window, MOST)
        expected = self.motion.carry(self.hidden or centre)
        if not peaks:
            return Verdict(self, prediction, side, expected, (), None, {})
        own, rivals = self._assigned(peaks, expected, side)
        verdict = Verdict(self, prediction, side, expected, tuple(peaks), own, rivals)
        if verdict.mistaken:
            left = _without(prediction, peaks, own, rivals)
            verdict = verdict._replace(prediction=left)
        return verdict

    def corrected(self) -> Rivals:
        """With the target somewhere else, by somebody's word: it did not go there."""
        return replace(self, place=None, hidden=None, together=0)

    def minds(self, rival: Rival) -> bool:
        """Whether a rival is to be minded: known, and strong enough to be taken for the target."""
        return rival.age > 0 and rival.strength >= KNOWN * self.usual

    def _assigned(
        self, peaks: Sequence[Peak], expected: Point, side: float
    ) -> tuple[int | None, dict[int, int]]:
        """The assignment at the least cost: index of the target's peak, None if it has none; and
        of each further peak that a rival explains, that rival's index in ``others``.
        """
        near = any(
            self.minds(one) and math.dist(one.expected, expected) < NEAR * side
            for one in self.others
        )
        weaker = WEAKER_NEAR if near else WEAKER
        top, lowest = peaks[0].strength, math.inf
        best: tuple[int | None, dict[int, int]] = 0, {}
        for own in (*range(len(peaks)), None):
            cost, taken, free = self._explained(peaks, own, side)
            minded = {peak for peak, one in taken.items() if self.minds(self.others[one])}
            if own is None:
                if not minded:
                    continue
                cost += HIDDEN
            else:
                strength = peaks[own].strength
                if own and strength < KNOWN * self.usual and 0 not in minded:
                    continue  # nothing known is at the highest peak, and here is hardly a target
                cost += _surprise(peaks[own].place, expected, side) + weaker * (top - strength)
            cost += NEW * sum(peaks[one].strength for one in free) / top
            if cost < lowest:
                lowest, best = cost, (own, taken)
        return best

    def _explained(
        self, peaks: Sequence[Peak], own: int | None, side: float
    ) -> tuple[float, dict[int, int], list[int]]:
        """Rivals assigned to all peaks but the target's, the oldest rival first.

        Returns the cost, the rival of each peak that has one, and the peaks that have none.
        """
        cost, taken, free = 0.0, {}, [one for one in range(len(peaks)) if one != own]
        for index, rival in enumerate(self.others):
            costs = [(_surprise(peaks[one].place, rival.expected, side), one) for one in free]
            least, nearest = min(costs, default=(FAR, 0))
            if least < FAR:
                cost += least
                free.remove(nearest)
                taken[nearest] = index
            elif not rival.missed:
                cost += MISSED * min(rival.age / MOST, 1.0)
        return cost, taken, free


class Verdict(NamedTuple):
    """What ``Rivals.judge`` finds in one frame.

    Attributes:
        before: the rivals until then.
        prediction: the engine's; where the highest peak is a rival's, what is left without it.
        side, expected: see ``Rivals.judge``; where the target's peak was expected.
        peaks: the highest first. own: the target's, None if it has none. rivals: each other peak's.
    """

    before: Rivals
    prediction: Prediction
    side: float
    expected: Point
    peaks: tuple[Peak, ...]
    own: int | None
    rivals: dict[int, int]

    @property
    def mistaken(self) -> bool:
        """Whether the highest peak is not the target's."""
        return bool(self.peaks) and self.own != 0

    def after(self, window: Window, centre: Point, sure: bool) -> Rivals:
        """The rivals for the next frame.

        Args:
            window: what was looked at. centre: where the target's peak is now, image pixels.
            sure: whether the target is TRACKING.
        """
        old, own = self.before, None if self.own is None else self.peaks[self.own]
        others = [*self._followed(window), *self._new(own)]
        others = sorted(others, key=lambda one: -one.age)[: MOST - 1]
        hidden = old.hidden and self.expected
        close = [
            one
            for one in others
            if old.minds(one) and math.dist(one.place, hidden or centre) < TOGETHER * self.side
        ]
        together = old.together + 1 if any(one.missed for one in close) else 0
        if together > TOGETHER_PATIENCE:
            others, together = [one for one in others if not one.missed], 0
        hidden = (hidden or centre) if together else None
        motion, usual = old.motion, old.usual
        if hidden is None:
            seen = old.place if sure else None
            motion = motion.moved(*_step(seen, centre)) if seen else motion.slower()
        if sure and own is not None:
            usual = usual + USUAL_RATE * (own.strength - usual) if usual else own.strength
        return Rivals(tuple(others), centre, motion, usual, bool(close), hidden, together)

    def _followed(self, window: Window) -> list[Rival]:
        """The rivals known before, one frame later, without those that are given up."""
        seen = {rival: self.peaks[peak] for peak, rival in self.rivals.items()}
        patience = TOGETHER_PATIENCE if self.before.crowded else PATIENCE
        kept = []
        for index, rival in enumerate(self.before.others):
            after = rival.at(seen[index]) if index in seen else rival.unseen()
            inside = window.holds(after.place)
            if after.missed <= patience and (inside or after.missed < 2):
                kept.append(after)
        return kept

    def _new(self, own: Peak | None) -> list[Rival]:
        """A rival for each peak that is neither the target's nor a known rival's."""
        return [
            Rival(peak.place, peak.strength)
            for index, peak in enumerate(self.peaks)
            if index != self.own
            and index not in self.rivals
            and (own is None or math.dist(peak.place, own.place) > NEW_AWAY * self.side)
        ]


def _without(
    prediction: Prediction, peaks: Sequence[Peak], own: int | None, rivals: Iterable[int]
) -> Prediction:
    """What is left of an answer whose highest peak is a rival's.

    The network was asked about that peak, so what it said is left out, too.
    """
    response, other = prediction.response, prediction.other
    assert response is not None  # it has peaks
    if own is None:
        rows, columns = np.mgrid[: len(response), : len(response)]
        share = np.ones(response.shape, np.float32)
        for x, y in (peaks[index].cell for index in rivals):
            share[np.hypot(columns - x, rows - y) <= HIDE] = 0
    else:
        share = bell(response.shape, peaks[own].cell)
    if other is not None:
        other = np.full_like(other, -1)  # no scale is better
    left = np.where(response > 0, response * share, response)
    return Prediction(prediction.score * share, prediction.boxes, left, other)


def _surprise(place: Point, expected: Point, side: float) -> float:
    """The cost of a peak at ``place`` for somebody who is ``expected`` elsewhere; at most FAR."""
    return min((math.dist(place, expected) / (SPREAD * side)) ** 2, FAR)


def _step(before: Point, after: Point) -> Point:
    return after[0] - before[0], after[1] - before[1]
