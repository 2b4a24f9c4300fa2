"""When each frame of a source is due, also where its stamps jump. It has no clock of its own."""


class Pacing:
    """Turns stamps into the times at which their frames are played.

    A frame comes as long after the one before as its stamp says. Two steps are no measure of time:

    - back: a recording begins again, or a clock was set. The frame comes after ``period``.
    - ahead by more than ``longest``: a camera that was off, or one wrong stamp. The pause is cut to
      ``longest``. `ros2 bag play` sits it out, and whoever waits cannot tell that from a player
      that hangs; ROS 1's `rosbag play --skip-empty` leaves it out, but then the tracker sees a leap
      where the camera had rested.

    From such a frame on the schedule is a new one, which has nothing to catch up with.

    Args:
        period: seconds between two frames, as a rule.
        longest: seconds of the longest pause.
    """

    def __init__(self, period: float, longest: float):
        self._period, self._longest = min(period, longest), longest
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
        pause, said = self._period, None
        if step < 0:
            said = f"the stamps jump back by {-step:.6g} s, and pacing begins anew"
        elif step > self._longest:
            pause = self._longest
            said = f"the stamps jump ahead by {step:.6g} s, of which {pause:g} s are waited"
        elif last is not None:
            self._due += step
            return self._due, None
        self._due = max(self._due, now) + pause
        return self._due, said
