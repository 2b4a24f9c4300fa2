"""Checks for /diagnostics, made of counters and the last problems. It needs no ROS."""

import math
import threading
import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass

from ...core.gate import BRANCHES, Gate

OK, WARN, ERROR = 0, 1, 2  # as in diagnostic_msgs/DiagnosticStatus

PROBLEM_SECONDS = 5.0  # a problem with one frame is shown for so long
LASTING = ("model", "init", "inits", "qos")  # shown until it is solved
TELL_SECONDS = 1.0  # between two different problems of one subject
REPEAT_SECONDS = 5.0  # between two equal ones
GATE_WINDOW = 100  # memorised frames


@dataclass(frozen=True)
class Check:
    """One DiagnosticStatus."""

    name: str
    level: int
    message: str
    values: Mapping[str, object]


def one_line(text: str) -> str:
    """``text`` as logs and viewers can show it, whatever names are in it."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class Problems:
    """The last problem of each subject and how many there were; safe between threads."""

    def __init__(self):
        self._lock = threading.Lock()
        self._active: dict[str, tuple[str, float]] = {}
        self._told: dict[str, float] = {}
        self.counts: Counter[str] = Counter()

    def report(self, subject: str, sentence: str) -> bool:
        """Note a problem; returns whether to log it, so that a flood is not logged each time."""
        now = time.monotonic()
        with self._lock:
            pause = REPEAT_SECONDS if self._present(subject) == sentence else TELL_SECONDS
            self._active[subject] = (sentence, now)
            self.counts[subject] += 1
            if now - self._told.get(subject, -math.inf) < pause:
                return False
            self._told[subject] = now
            return True

    def solve(self, subject: str) -> None:
        """Note that a subject's problem is over."""
        with self._lock:
            self._active.pop(subject, None)

    def forget(self) -> None:
        """Note that all problems are over; they count as before."""
        with self._lock:
            self._active.clear()

    def fade(self, *subjects: str) -> None:
        """Solve those of ``subjects`` that were not reported of late, as if they did not last."""
        with self._lock:
            for subject in subjects:
                if time.monotonic() - self._active.get(subject, ("", 0.0))[1] > PROBLEM_SECONDS:
                    self._active.pop(subject, None)

    def present(self, *subjects: str) -> str | None:
        """The latest present problem of ``subjects``."""
        with self._lock:
            latest = sorted(subjects, key=lambda s: -self._active.get(s, ("", 0.0))[1])
            return next(filter(None, map(self._present, latest)), None)

    def _present(self, subject: str) -> str | None:
        sentence, since = self._active.get(subject, (None, 0.0))
        fades = subject not in LASTING and time.monotonic() - since > PROBLEM_SECONDS
        return None if fades else sentence


class GateWindow:
    """The gate's decisions for the last memorised frames; safe between threads."""

    def __init__(self):
        self._gates: deque[Gate] = deque(maxlen=GATE_WINDOW)

    def add(self, gate: Gate) -> None:
        """Note the decision for one more memorised frame."""
        self._gates.append(gate)

    def check(self) -> Check:
        """Mean weights, mean entropy (bits, of 2) and the share of high computation (CBAM)."""
        gates = list(self._gates)
        if not gates:
            return Check("gate", OK, "no frame memorised yet", {"frames": 0})
        count = len(gates)
        means = [sum(column) / count for column in zip(*(g.weights for g in gates), strict=True)]
        entropy = -sum(w * math.log2(w) for g in gates for w in g.weights if w > 0) / count
        share = sum(g.branch == "cbam" for g in gates) / count
        values: dict[str, object] = {
            f"mean_{name}": f"{mean:.4f}" for name, mean in zip(BRANCHES, means, strict=True)
        }
        values |= {
            "frames": count,
            "entropy_bits": f"{entropy:.4f}",
            "high_computation_share": f"{share:.4f}",
        }
        return Check("gate", OK, f"high computation in {share:.0%} of {count} frames", values)
