"""When each frame of a source is due, also where its stamps jump. It has no clock of its own."""


class Pacing:
    """Turns stamps into the times at which their frames are played.

    A frame comes as long after the one before as its stamp says. Some steps are no measure of time:

    - back: a recording begins again, or a clock was set.
    - ahead by more than ``longest``: a camera that was off, or one wrong stamp. `ros2 bag play`
      sits it out, and whoever waits cannot tell that from a player that hangs. Like ROS 1's
      `rosbag play --skip-empty` this leaves it out.
    - none, where ``still``: a camera whose stamps stand still.

    Such a frame comes after ``period``. From it on the schedule is a new one, which has nothing to
    catch up with.

    Args:
        period: seconds between two frames, as a rule.
        longest: seconds of the longest pause; at least two periods.
        still: most stamps are those of the frame before. Elsewhere two frames of one moment are so.
    """

    def __init__(self, period: float, longest: float, still: bool = False):
        self._period, self._longest, self._still = period, max(longest, 2 * period), still
        self._last: int | None = None  # stamp, ns
        self._due: float | None = None

    def again(self) -> None:
        """The source is about to begin again: that its stamps jump back is no news."""
        self._last = None

    def due(self, stamp: int, now: float) -> tuple[float, str | None]:
        """When the next frame is due, and a sentence where its stamp has jumped.

        stamp: in ns. now: seconds of a steady clock, as is what is returned.
        """
        last, self._last = self._last, stamp
        if self._due is None:  # the first frame of all
            self._due = now
            return now, None
        step = 0.0 if last is None else (stamp - last) / 1e9
        said = None
        if step < 0:
            said = f"the stamps jump back by {-step:.6g} s, and pacing begins anew"
        elif step > self._longest:
            said = f"the stamps jump ahead by {step:.6g} s, which are left out"
        elif last is not None and (step or not self._still):
            self._due += step
            return self._due, None
        self._due = max(self._due, now) + self._period
        return self._due, said
