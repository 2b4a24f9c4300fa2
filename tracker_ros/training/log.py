"""What the loop says about itself: one line and one CSV row for every so many steps."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable
from pathlib import Path


class TrainingLog:
    """Averages the terms of ``every`` steps into a line for ``tell`` and a row of ``path``.

    The row also holds samples a second and the share of time spent waiting for data.
    """

    def __init__(self, path: Path, tell: Callable[[str], None], every: int = 50):
        self.path, self.tell, self.every = path, tell, every
        self._restart()

    def _restart(self) -> None:
        self._sums: dict[str, float] = {}
        self._count = self._samples = 0
        self._waited, self._begin = 0.0, time.monotonic()

    def add(
        self,
        step: int,
        progress: float,
        terms: dict[str, float],
        samples: int,
        waited: float,
        replaced: int = 0,
    ) -> None:
        """Note one step: its terms, its number of samples, the seconds it waited for them.

        ``replaced`` counts the samples so far whose pictures could not be read.
        """
        for name, value in terms.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._count += 1
        self._samples += samples
        self._waited += waited
        if self._count == self.every:
            self._write(step, progress, replaced)
            self._restart()

    def _write(self, step: int, progress: float, replaced: int) -> None:
        seconds = time.monotonic() - self._begin
        mean = {name: value / self._count for name, value in self._sums.items()}
        mean |= {"samples_per_second": self._samples / seconds, "waiting": self._waited / seconds}
        mean["replaced"] = replaced
        new = not self.path.exists()
        with open(self.path, "a", newline="") as file:
            writer = csv.writer(file)
            if new:
                writer.writerow(["step", "progress", *mean])
            writer.writerow([step, progress, *mean.values()])
        gates = " ".join(f"{mean[name]:.2f}" for name in mean if name.startswith("gate_"))
        self.tell(
            f"step {step} ({100 * progress:.1f} %): loss {mean['total']:.3f}, "
            f"IoU {mean['overlap']:.3f}, gate {gates}, "
            f"{mean['samples_per_second']:.1f} samples/s, waiting {100 * mean['waiting']:.0f} %"
            + (f", {replaced} unreadable samples replaced" if replaced else "")
        )
