"""The course of a training: steps through a schedule, checkpoints, a log, an end at a signal."""

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..core.errors import ModelError, TrackerError, brief
from ..core.io.files import check_place
from ..core.io.locks import emptied, locked
from .config import Schedule, lasting
from .ranks import Ranks
from .records import checkpoint
from .records.failures import Stop, explained
from .records.log import TrainingLog


class Course(ABC):
    """What every training has in common; ``run`` continues from ``out``/last.pt if it is there.

    Step i of a process is a function of weights, seed and i alone, whatever happened between the
    steps: a resumed run takes the same course. A child makes its networks, ``optimiser`` and
    ``identity``, and calls ``resume``.

    Args:
        out: folder for ``last.pt``, ``log.csv`` and ``validation.csv``.
        ranks: the processes that train together. tensorboard: write TensorBoard's files too.
    Attributes:
        modules, values: names of attributes that a checkpoint holds; modules have a ``state_dict``.
        identity: what may not change when a run is resumed, besides what ``lasting`` says of the
            config.
        scored: whether the weights have been validated, where they are to be.
        written: the files that a run will write over and over. results: those that its caller
            will write when it has ended; that they can be written is seen before.
        step: updates so far. elapsed: seconds that they took. replaced: unreadable samples.
    Raises:
        TrackerError: a checkpoint of another run, a loss that is not finite, no memory, a full
            disk.
    """

    modules: Sequence[str]
    values: Sequence[str]
    identity: dict
    optimiser: torch.optim.Optimizer
    replaced = 0
    scored = True
    results: Sequence[Path] = ()

    def __init__(
        self,
        out: str | Path,
        config: Schedule,
        ranks: Ranks,
        precision: str = "fp32",
        tensorboard: bool = False,
    ):
        self.out, self.last = Path(out), Path(out) / "last.pt"
        self.config, self.ranks, self.tensorboard = config, ranks, tensorboard
        self.device = torch.device(config.device)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=precision == "fp16")
        self.step, self.elapsed = 0, 0.0
        self._saved, self._stamp = 0, _stamp(self.last)

    @property
    def written(self) -> tuple[Path, ...]:
        return (self.last,)

    @abstractmethod
    def batches(self) -> Generator[Any, None, None]:
        """This process's batches from ``step`` on; to be closed."""

    @abstractmethod
    def train_step(self, batch: Any) -> dict[str, float]:
        """One update of the weights; returns the loss terms and the learning rate."""

    @abstractmethod
    def score(self, log: TrainingLog | None) -> None:
        """Validate, where there is something to validate on; ``log``: of the first process."""

    def content(self) -> dict:
        """All that a checkpoint holds."""
        return {
            "identity": self.identity,
            "config": asdict(self.config),
            **{name: getattr(self, name).state_dict() for name in self.modules},
            **{name: getattr(self, name) for name in self.values},
        }

    def save(self) -> None:
        """Write ``last.pt``."""
        checkpoint.save(self.last, self.content())
        self._saved, self._stamp = self.step, _stamp(self.last)

    def resume(self) -> None:
        """Go on from ``last.pt``. Raises ModelError where it is of another run."""
        if not self.last.exists():
            return
        content = checkpoint.load_dict(self.last)
        try:
            ours = self.identity | lasting(asdict(self.config))
            theirs = content["identity"] | lasting(content["config"])
            # What a checkpoint of an earlier version does not tell cannot differ.
            ours = {name: value for name, value in ours.items() if name in theirs}
            checkpoint.same_run(self.last, theirs, ours)
            for name in self.modules:
                checkpoint.check_finite(self.last, content[name], name)
                getattr(self, name).load_state_dict(content[name])
            step, elapsed = content["step"], content["elapsed"]
            if type(step) is not int or step < 0:
                raise ValueError(f"step is {step!r}, not a whole number from 0")
            if type(elapsed) not in (int, float) or not 0 <= elapsed < math.inf:
                raise ValueError(f"elapsed is {elapsed!r}, not a number from 0")
            for name in self.values:
                setattr(self, name, content[name])
            self._saved = step
        except ModelError:
            raise
        except Exception as error:  # what is in a file can break this in many ways
            raise ModelError(
                f"{self.last} is no checkpoint of this training: {brief(error)}"
            ) from error

    @property
    def progress(self) -> float:
        """Share of the schedule that is done."""
        if self.config.minutes:
            return self.elapsed / (60 * self.config.minutes)
        return self.step / self.config.steps

    def update(self, network: nn.Module, terms: dict[str, Tensor], rate: float) -> dict[str, float]:
        """Lower the term ``total``; returns ``rate`` and the terms, means over all processes.

        ``rate``: of learning; a group of parameters takes its ``share`` of it.
        """
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group.get("share", 1.0)
        self.optimiser.zero_grad(set_to_none=True)
        self.scaler.scale(terms["total"]).backward()
        values = torch.stack([value.detach().float() for value in terms.values()])
        gradients = [p.grad for p in network.parameters() if p.grad is not None]
        self.ranks.average([*gradients, values])
        self.scaler.unscale_(self.optimiser)
        norm = torch.nn.utils.clip_grad_norm_(network.parameters(), self.config.clip or math.inf)
        # Looked at after the exchange, so that all processes stop and none waits for the others.
        # Scaled gradients may overflow: the scaler leaves out such a step and scales less.
        overflow = self.scaler.is_enabled() and self.scaler.get_scale() > 1
        if not (torch.isfinite(values).all() and (overflow or torch.isfinite(norm))):
            raise TrackerError(f"the loss or its gradient is not finite {self._where()}")
        self.scaler.step(self.optimiser)
        self.scaler.update()
        self.step += 1
        return dict(zip(terms, values.tolist(), strict=True)) | {"rate": rate}

    def run(
        self,
        tell: Callable[[str], None] = print,
        show: Callable[[float], None] = lambda progress: None,
    ) -> None:
        """Train to the end of the schedule, with a checkpoint now and then and at the end.

        ``tell`` takes lines; ``show`` the share of the schedule that is done, after each step.
        SIGTERM and Ctrl-C end it after the step, with a checkpoint.
        """
        self.out.mkdir(parents=True, exist_ok=True)
        config, stopping = self.config, False
        with (
            self._log(tell) if self.ranks.leads else nullcontext() as log,
            Stop() as stop,
            explained(config.batch, self._where),
            closing(self.batches()) as batches,
        ):
            if self.progress >= 1 and self._agreed(not self.scored)[0]:  # another --validate
                self.score(log)
                if log:
                    self.save()
            last = time.monotonic()
            while self.progress < 1 and not stopping:
                asked = time.monotonic()
                with self._kept():
                    batch = next(batches)
                waited = time.monotonic() - asked
                terms = self.train_step(batch)
                now = time.monotonic()
                # One clock for all, and all stop at the same step.
                took, stopped = self._agreed(now - last, stop.signal or 0)
                self.elapsed, last = self.elapsed + took, now
                stopping, done = stopped > 0, self.progress >= 1
                if log:
                    with self._kept(OSError):  # of stdout; where the log is full, so is the disk
                        progress = self.progress
                        log.add(self.step, progress, terms, config.batch, waited, self.replaced)
                if done or self.step % config.validate_every == 0:
                    with self._kept():
                        self.score(log)
                if log and (done or stopping or self.step % config.checkpoint_every == 0):
                    self.save()
                show(self.progress)
        if stopping:
            tell(f"stopped after step {self.step}; {self.last} holds it: the same command goes on")
            stop.leave()

    @contextmanager
    def _log(self, tell: Callable[[str], None]) -> Iterator[TrainingLog]:
        """The log, while the folder is this training's alone and can be written to."""
        with locked(self.out, wait=False), emptied(self.out):
            if _stamp(self.last) != self._stamp:
                raise TrackerError(
                    f"{self.last} is another than was read: another training went on with it"
                    " meanwhile; the same command goes on from there"
                )
            for path in (*self.written, *self.results):
                with checkpoint.writing(path):
                    check_place(path)
            every, path = self.config.log_every, self.out / "log.csv"
            with TrainingLog(path, tell, every, self.step, self.tensorboard) as log:
                yield log

    @contextmanager
    def _kept(self, kind: type[Exception] = Exception) -> Iterator[None]:
        """After an error between two steps, those since the last checkpoint are not lost."""
        try:
            yield
        except kind:
            if self.ranks.leads and self.step > self._saved:
                with suppress(TrackerError):  # what ended the run is what is to be told
                    Course.save(self)  # without plots of a log that may be broken
            raise

    def _agreed(self, *values: float) -> list[float]:
        """Means of each over all processes."""
        agreed = torch.tensor(values, dtype=torch.float32, device=self.device)
        self.ranks.average([agreed])
        return agreed.tolist()

    def _where(self) -> str:
        good = f"{self.last} holds" if self.last.exists() else "no checkpoint holds"
        return f"at step {self.step}; {good} the last good weights"


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """What differs when a file was written anew; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
