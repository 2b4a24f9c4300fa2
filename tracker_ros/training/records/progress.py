"""Progress of a training: a bar with the time left on a terminal, lines alone elsewhere."""

from __future__ import annotations

import sys


class Display:
    """Lines on stdout, above a bar where that is a terminal."""

    def __enter__(self) -> Display:
        self._bar = None
        if sys.stdout.isatty():
            from rich.progress import BarColumn, Progress, TaskProgressColumn, TimeRemainingColumn

            self._bar = Progress(
                "training", BarColumn(None), TaskProgressColumn(), TimeRemainingColumn()
            )
            self._task = self._bar.add_task("", total=1.0)
            self._bar.start()
        return self

    def __exit__(self, *_) -> None:
        if self._bar is not None:
            self._bar.stop()

    def tell(self, line: str) -> None:
        """Print a line."""
        if self._bar is not None:
            self._bar.console.print(line, markup=False, highlight=False)
        else:
            print(line, flush=True)

    def show(self, progress: float) -> None:
        """Move the bar; ``progress`` in [0, 1]."""
        if self._bar is not None:
            self._bar.update(self._task, completed=progress)
