"""Pairs boxes with the depth of the same moment: equal stamps first, then the nearest within slop.

A camera's depth may come before the boxes of its colour image, or after them.
"""

from collections import deque
from typing import Any

from ...conversions.stamps import seconds

DEPTHS = 60  # 2 s of a usual camera
MAX_BYTES = 256 * 2**20  # of them together, for large ones
WAITING = 10  # boxes that wait for their depth
PATIENCE = 0.5  # seconds, for a depth that is late


class Pairing:
    """Collects boxes and depth, as they came, and pairs them.

    slop: nanoseconds by which their stamps may differ.
    """

    def __init__(self, slop: int):
        self._slop = slop
        self._depths: deque[tuple[int, Any, int]] = deque(maxlen=DEPTHS)  # with its bytes
        self._waiting: deque[tuple[int, float, Any]] = deque()

    def add_depth(self, stamp: int, depth: Any, size: int) -> None:
        """Depth of ``size`` bytes came in."""
        if self._depths and stamp < self._depths[-1][0] - self._slop:
            # Time jumped back, as where a bag begins anew; or it is one wrong stamp: boxes wait on.
            self._depths.clear()
        self._depths.append((stamp, depth, size))
        while len(self._depths) > 1 and sum(kept for *_, kept in self._depths) > MAX_BYTES:
            self._depths.popleft()

    def add_boxes(self, stamp: int, boxes: Any, now: float) -> None:
        """Boxes came in at ``now`` (seconds of any steady clock)."""
        while self._waiting and self._waiting[-1][0] > stamp:
            self._waiting.pop()  # to be answered again after these, or of an earlier pass of a bag
        self._waiting.append((stamp, now, boxes))

    def ready(self, now: float) -> list[tuple[Any, Any | None]]:
        """(boxes, depth) of all boxes that need not wait longer; None where no depth is near."""
        pairs = []
        while self._waiting:
            stamp, since, boxes = self._waiting[0]
            # Of several with one stamp the newest: some cameras' stamps stand still.
            newest_first = reversed(self._depths)
            best = min(newest_first, key=lambda item: abs(item[0] - stamp), default=None)
            exact = best is not None and best[0] == stamp
            # Depth comes in its order: a later one means that an exact one will not come.
            passed = bool(self._depths) and self._depths[-1][0] > stamp
            if not (exact or passed or now - since >= PATIENCE or len(self._waiting) > WAITING):
                break
            self._waiting.popleft()
            near = best is not None and abs(best[0] - stamp) <= self._slop
            pairs.append((boxes, best[1] if near else None))
        return pairs

    def reach(self) -> int:
        """The latest stamp of boxes that the newest depth is near to."""
        return self._depths[-1][0] + self._slop if self._depths else 0

    def describe(self, stamp: int) -> str:
        """How far the nearest of the stored depth is from boxes of ``stamp``, in words."""
        if not self._depths:
            return "no depth has come yet"
        off = min((other - stamp for other, *_ in self._depths), key=abs)
        return f"the nearest is {seconds(abs(off))} s {'later' if off > 0 else 'earlier'}"
