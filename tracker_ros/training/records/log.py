"""The log of a training: lines, CSV rows, TensorBoard's files."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from ...core.errors import TrackerError
from ...core.io.files import replacing
from .checkpoint import writing


class TrainingLog(AbstractContextManager):
    """Averages the terms of ``every`` steps into a line for ``tell`` and a row of ``path``.

    The row also holds samples a second and the share of time spent waiting for data. Rows after
    ``step``, which a killed run left, are dropped: they come again. With ``tensorboard`` the
    values go to TensorBoard's files in the folder of ``path`` too (TrackerError without the
    package).
    """

    def __init__(
        self,
        path: Path,
        tell: Callable[[str], None],
        every: int = 50,
        step: int = 0,
        tensorboard: bool = False,
    ):
        self.path, self.tell, self.every = path, tell, every
        self._board = _open_board(path.parent, step) if tensorboard else None
        self._first: tuple[float, float] | None = None
        for name in (path, self.validations):
            _drop_rows(name, step)
        self._restart()

    def __exit__(self, *_) -> None:
        if self._board is not None:
            self._board.close()

    @property
    def validations(self) -> Path:
        """The rows of validations."""
        return self.path.with_name("validation.csv")

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
        self._first = self._first or (time.monotonic(), progress)
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
        self._row(self.path, step, progress, mean)
        gates = " ".join(f"{mean[name]:.2f}" for name in mean if name.startswith("gate_"))
        self.tell(
            f"step {step} ({100 * progress:.1f} %): loss {mean['total']:.3f}, "
            + (f"IoU {mean['overlap']:.3f}, " if "overlap" in mean else "")
            + (f"gate {gates}, " if gates else "")
            + f"{mean['samples_per_second']:.1f} samples/s, waiting {100 * mean['waiting']:.0f} %"
            + (f", {replaced} unreadable samples replaced" if replaced else "")
            + self._left(progress)
        )

    def _left(self, progress: float) -> str:
        start, first = self._first
        if progress <= first:
            return ""
        seconds = (1 - progress) * (time.monotonic() - start) / (progress - first)
        return f", {seconds // 3600:.0f}:{seconds // 60 % 60:02.0f} h left"

    def validated(self, step: int, progress: float, scores: dict[str, float]) -> None:
        """Note the scores of a validation."""
        self._row(self.validations, step, progress, scores)
        told = ", ".join(f"{name} {value:.3f}" for name, value in scores.items())
        self.tell(f"step {step}: validation {told}")

    def _row(self, path: Path, step: int, progress: float, values: dict[str, float]) -> None:
        with writing(path):
            new = not path.exists()
            with open(path, "a", newline="") as file:
                writer = csv.writer(file)
                if new:
                    writer.writerow(["step", "progress", *values])
                writer.writerow([step, progress, *values.values()])
        if self._board is not None:
            for name, value in values.items():
                self._board.add_scalar(f"{path.stem}/{name}", value, step)


def columns(path: Path) -> dict[str, list[float]]:
    """What a log holds, "step" first; {} without rows. Raises TrackerError for a damaged one."""
    if not path.exists():
        return {}
    with _reading(path), open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
        names = ["step", *rows[0]] if rows else []
        return {name: [float(row[name]) for row in rows] for name in names}


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except (ValueError, TypeError, KeyError, csv.Error) as error:
        raise TrackerError(
            f"{path} is damaged; delete it, and the run goes on without its rows"
        ) from error


def _drop_rows(path: Path, step: int) -> None:
    """Leave the rows up to ``step``; of a file that is not there, nothing."""
    if not path.exists():
        return
    with _reading(path):
        head, *rows = path.read_text(encoding="utf-8").splitlines(keepends=True) or [""]
        kept = [row for row in rows if row.endswith("\n") and int(row.partition(",")[0]) <= step]
    if not kept:
        path.unlink()
    elif len(kept) < len(rows):
        with writing(path), replacing(path) as part:
            part.write_text("".join([head, *kept]))
    columns(path)  # not only at the first checkpoint, which draws them


def _open_board(folder: Path, step: int):
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ModuleNotFoundError as error:
        raise TrackerError(
            f"--tensorboard needs the Python package {error.name!r}, which is not here"
        ) from error
    return SummaryWriter(str(folder), purge_step=step + 1)
