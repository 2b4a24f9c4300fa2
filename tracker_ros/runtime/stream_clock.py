"""Clock of a camera's stamps: tells one wrong stamp from a clock that has jumped. No ROS.

A stamp is judged by the stamps before it and by how long its frame took to arrive. A frame that
does not fit is held until the next frames decide. If they continue as before, its stamp was wrong.
If ``PERSISTENT`` frames in a row agree with each other instead, their clock counts from now on.
"""

import statistics
from collections import deque
from dataclasses import dataclass

from ..conversions.stamps import seconds

PERSISTENT = 3  # frames
# A stamp may go ahead by so much, or by so many of the usual steps, and is not doubted.
GAP = 1_000_000_000  # ns
STEPS_IN_GAP = 10
STEPS_IN_LEAP = 3  # a step of more is believed until the next frames deny it


@dataclass(frozen=True)
class Verdict:
    """What to do with a frame.

    Attributes:
        accepted: the frame is in order; otherwise it is held until more frames decide.
        jumped: it is accepted because it and the frames held before it show another clock.
        back: that clock is far behind the former, well-known one: a recording begins again.
        frames: how many frames are accepted: this one and those held before it.
        withdrawn: how many of the frames accepted last had wrong stamps.
        reason: one sentence, where something is wrong.
    """

    accepted: bool
    jumped: bool = False
    back: bool = False
    frames: int = 1
    withdrawn: int = 0
    reason: str | None = None


class StreamClock:
    """Judges the stamps of one stream of frames.

    Args:
        jump: nanoseconds. A clock that goes back by more is that of a recording that begins again;
            a clock that goes back by less is that of a camera whose clock was set.
    """

    def __init__(self, jump: int):
        self._jump = jump
        # Stamp and arrival that the clock before ended with.
        self._former: tuple[int, int] | None = None
        self._begin()

    def _begin(self) -> None:
        self._last = self._arrival = 0  # of the frame accepted last
        self._count = 0  # frames accepted by this clock
        self._steps: deque[int] = deque(maxlen=5)  # the latest, all above 0
        self._before_leap: int | None = None  # the stamp before the last leap, while in doubt
        self._since_leap = 0  # frames
        self._held: list[int] = []
        self._held_arrival = 0

    def judge(self, stamp: int, arrival: int) -> Verdict:
        """Judge the next frame, which came at ``arrival`` by a steady clock; both in ns."""
        waited = arrival - self._arrival
        if not self._count or 0 <= stamp - self._last <= self._allowance() + waited:
            self._accept(stamp, arrival)
            return Verdict(accepted=True)
        if self._before_leap is not None and self._before_leap <= stamp < self._last:
            return self._withdraw(stamp, arrival)
        self._held = [*self._held, stamp] if self._follows(stamp, arrival) else [stamp]
        self._held_arrival = arrival
        if len(self._held) == PERSISTENT:
            return self._change(arrival)
        side = "behind" if stamp < self._last else "ahead of"
        return Verdict(
            accepted=False,
            reason=f"stamp {seconds(stamp)} is {seconds(abs(stamp - self._last))} s {side} the"
            " stamp before it: the frame is left out unless the next ones agree with it",
        )

    def believe(self, stamp: int, arrival: int) -> Verdict | None:
        """Change to the clock of the frames that are held, if ``stamp`` is one of theirs.

        Somebody has named that stamp, and so has seen the frame.
        """
        return self._change(arrival) if stamp in self._held else None

    def _allowance(self) -> int:
        return max(GAP, STEPS_IN_GAP * self._usual_step())

    def _usual_step(self) -> int:
        return int(statistics.median(self._steps)) if self._steps else 0

    def _follows(self, stamp: int, arrival: int) -> bool:
        """Whether ``stamp`` goes on where the frames that are held end."""
        if not self._held or stamp < self._held[-1]:
            return False
        allowed = self._allowance() + arrival - self._held_arrival
        return not self._steps or stamp - self._held[-1] <= allowed

    def _accept(self, stamp: int, arrival: int) -> None:
        step, usual = stamp - self._last, self._usual_step()
        self._since_leap += 1
        if self._since_leap >= PERSISTENT:
            self._before_leap = None
        doubtful = step > max(STEPS_IN_LEAP * usual, arrival - self._arrival)
        if usual and doubtful and self._before_leap is None:
            self._before_leap, self._since_leap = self._last, 1
        if self._count and step > 0:
            self._steps.append(step)
        self._last, self._arrival = stamp, arrival
        self._count += 1
        self._held = []

    def _withdraw(self, stamp: int, arrival: int) -> Verdict:
        """Go on from before the last leap: the frames since then had wrong stamps."""
        wrong, count = self._last, self._since_leap
        self._last, self._before_leap = self._before_leap, None
        self._count -= count
        self._steps.clear()
        self._accept(stamp, arrival)
        reason = f"stamp {seconds(wrong)} was {seconds(wrong - stamp)} s ahead of the one after it"
        return Verdict(accepted=True, withdrawn=count, reason=reason)

    def _change(self, arrival: int) -> Verdict:
        """Take the clock of the frames that are held."""
        held, ahead = self._held, self._held[0] - self._last
        # No recording begins again where few frames knew the old clock, where the new one is at 0,
        # that is, not set, or where it is the one that was there before.
        back = (
            ahead < -self._jump
            and held[0] > 0
            and self._count >= PERSISTENT
            and not self._returns(held[0], arrival)
        )
        self._former = (self._last, self._arrival)
        self._begin()
        for stamp in held:
            self._accept(stamp, arrival)
        reason = f"image stamps jumped {'back' if ahead < 0 else 'ahead'} in time by"
        reason = f"{reason} {seconds(abs(ahead))} s"
        return Verdict(accepted=True, jumped=True, back=back, frames=len(held), reason=reason)

    def _returns(self, stamp: int, arrival: int) -> bool:
        if self._former is None:
            return False
        last, then = self._former
        return 0 <= stamp - last <= arrival - then + GAP
