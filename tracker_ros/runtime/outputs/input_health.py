"""Health of the input: how images came in the last seconds, and what is wrong. Needs no ROS."""

from collections import deque
from collections.abc import Sequence

SECONDS = 5.0  # that are looked back on
# More images than both of these, dropped or lost, are worth a warning.
SHARE, COUNT = 0.1, 3
AHEAD, BEHIND = 1.0, 5.0  # seconds that a stamp may differ from the node's clock

COUNTERS = ("received", "overtaken", "misfits", "malformed", "lost")
SENTENCES = {
    "overtaken": "were dropped: they come faster than they can be tracked",
    "misfits": "were dropped: their stamps do not fit in",
    "lost": "were lost in transport: start what publishes them with the Fast DDS profile"
    " config/fastdds.xml, or let it publish reliably, which image_qos AUTO follows",
}


class InputHealth:
    """What is known about the images on a node's topic; all times are in seconds."""

    def __init__(self):
        self._samples: deque[tuple[float, dict[str, int]]] = deque()
        self._time = 0.0  # of the node's clock then
        self._stamp = 0.0
        self._encoding = ""
        self._size: tuple[int, int] | None = None

    def see(self, stamp: float, now: float, encoding: str) -> None:
        """Note an image that is in order; ``now``: of the clock that stamps are compared with."""
        self._stamp, self._time, self._encoding = stamp, now, encoding or "unknown"

    def see_size(self, width: int, height: int) -> None:
        """Note the size of an image once it is decoded."""
        self._size = (width, height)

    def sample(self, now: float, counters: dict[str, int]) -> None:
        """Note the ``COUNTERS``, which only grow, at ``now`` of a steady clock."""
        last = self._samples[-1][1] if self._samples else {}
        if any(counters[name] < last.get(name, 0) for name in COUNTERS):
            self._samples.clear()  # they began anew
        self._samples.append((now, counters))
        while len(self._samples) > 2 and now - self._samples[1][0] >= SECONDS:
            self._samples.popleft()

    def _grown(self, name: str) -> int:
        return self._samples[-1][1][name] - self._samples[0][1][name] if self._samples else 0

    @property
    def _seconds(self) -> float:
        return self._samples[-1][0] - self._samples[0][0] if self._samples else 0.0

    @property
    def _arrived(self) -> int:
        return sum(map(self._grown, ("received", "misfits", "malformed")))

    def values(self) -> dict[str, object]:
        """Rate, size and encoding of the images, for a diagnostic."""
        rate = self._arrived / self._seconds if self._seconds else 0.0
        size = "{}x{}".format(*self._size) if self._size else ""
        return {"rate_hz": f"{rate:.2f}", "size": size, "encoding": self._encoding}

    def warnings(self, publishers: Sequence[str]) -> list[str]:
        """What is wrong with how images come, in sentences.

        Args:
            publishers: the names of the nodes that publish them.
        """
        found = []
        for name, sentence in SENTENCES.items():
            count = self._grown(name)
            total = self._arrived + (count if name == "lost" else 0)
            if count >= max(COUNT, SHARE * total):
                total = max(count, total)  # some may have come before, and be overtaken only now
                found.append(
                    f"{count} of {total} images of the last {self._seconds:.0f} s {sentence}"
                )
        if len(publishers) > 1:
            found.append(f"{len(publishers)} publish images here: {', '.join(publishers)}")
        return found

    def stamp_warning(self) -> str | None:
        """What is wrong with the stamps, compared with the node's clock, in a sentence."""
        if not self._encoding or not self._arrived:
            return None
        if self._time == 0:
            return "the node's clock stands at 0: use_sim_time is true, but nobody publishes /clock"
        if self._stamp == 0:
            return "stamps are 0: what publishes the images does not set them"
        ahead = self._stamp - self._time
        if ahead > AHEAD:
            return f"stamps are {ahead:.3f} s ahead of the node's clock: set the clocks"
        if -ahead > BEHIND:
            return (
                f"stamps are {-ahead:.3f} s behind the node's clock: set the clocks; a recording is"
                " to be played with --clock, and use_sim_time set"
            )
        return None

    def stamp_values(self) -> dict[str, object]:
        """The stamps' values for a diagnostic."""
        known = self._encoding and self._time
        return {"delay_s": f"{self._time - self._stamp:.3f}" if known else "unknown"}
