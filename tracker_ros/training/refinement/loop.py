"""The training of a refiner on a bank: loss, validation on held-out clips, checkpoints, a log."""

import math
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...core.errors import ModelError, ParameterError, TrackerError, brief
from ...networks.blocks.refiner import BoxRefiner
from ..records import checkpoint
from ..records.failures import Stop, explained
from ..records.log import TrainingLog
from .bank import Bank
from .config import RefinerConfig
from .samples import KINDS, QUERIES

WEIGHTS = (0.5, 0.5, 1.0, 1.0)  # of the loss of x, y, width and height
LEAST_RATE = 1e-6
HELD = list(KINDS).index("held")
TOGETHER = 256  # pairs that validation takes at once


def laplace_loss(box: Tensor, spread: Tensor, truth: Tensor) -> Tensor:
    """Negative logarithm of the Laplace density of the truth, without its constant: a scalar.

    Args:
        box: [B, 4], answers. spread: [B, 4], logarithms of the spreads. truth: [B, 4].
    """
    terms = (box - truth).abs() * torch.exp(-spread) + spread
    return (terms * terms.new_tensor(WEIGHTS)).sum(1).mean()


class RefinerTrainer:
    """Trains a refiner; ``run`` continues from ``out``/last.pt if it is there.

    Step i is a function of weights, seed and i alone: a resumed run takes the same course.

    Args:
        bank: what it learns from. out: folder of ``last.pt``, ``log.csv``, ``validation.csv``.
        side: cells along a target of the scale that crops are made for.
        config: see ``RefinerConfig``. identity: what may not change when a run is resumed, besides
            what the config says of the course.
    Attributes:
        refiner: the network. step: updates so far. scores: of the last validation.
    Raises:
        ParameterError: too few pairs. ModelError: ``last.pt`` is of another run.
        TrackerError: a loss that is not finite, no memory, a full disk.
    """

    def __init__(
        self, bank: Bank, out: str | Path, side: float, config: RefinerConfig, identity: dict
    ):
        self.bank, self.side, self.config = bank, side, config
        self.out, self.last = Path(out), Path(out) / "last.pt"
        self.held = np.flatnonzero(bank.kinds == HELD)
        self.rows = np.flatnonzero(bank.kinds != HELD)
        if len(self.rows) < config.batch or not len(self.held):
            raise ParameterError(
                f"--pairs {len(bank)} gives {len(self.rows)} pairs to train on and {len(self.held)}"
                f" of held-out clips; {config.batch} (--batch) and 1 are the least"
            )
        kept = ("pairs", "steps", "batch", "rate", "warmup", "weight_decay", "clip", "mirrored")
        kept += ("noisy", "noise", "seed")
        self.identity = {**identity, "config": {n: getattr(config, n) for n in kept}}
        torch.manual_seed(config.seed)
        self.device = torch.device(config.device)
        self.refiner = BoxRefiner(bank.channels).to(self.device)
        self.optimiser = torch.optim.AdamW(
            self.refiner.parameters(), config.rate, weight_decay=config.weight_decay
        )
        self.step, self.scores = 0, {}
        if self.last.exists():
            self._resume()

    def _resume(self) -> None:
        content = checkpoint.load(self.last)
        try:
            checkpoint.same_run(self.last, content["identity"], self.identity)
            self.refiner.load_state_dict(content["refiner"])
            self.optimiser.load_state_dict(content["optimiser"])
            self.step, self.scores = content["step"], content["scores"]
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise ModelError(
                f"{self.last} is no checkpoint of a refiner's training: {brief(error)}"
            ) from error

    def content(self) -> dict:
        """All that a checkpoint holds."""
        return {
            "identity": self.identity,
            "config": asdict(self.config),
            "refiner": self.refiner.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "scores": self.scores,
        }

    def train_step(self) -> dict[str, float]:
        """One update of the weights; returns the loss and the learning rate."""
        config, rng = self.config, np.random.default_rng((self.config.seed, self.step))
        torch.manual_seed(int(rng.integers(2**63)))
        rows = rng.choice(self.rows, config.batch)
        found = self.bank.batch(rows, rng.integers(0, QUERIES, config.batch))
        reference, shape, region, truth = (part.to(self.device) for part in found)
        if rng.random() < config.mirrored:
            reference, region = reference.flip(3), region.flip(3)
            truth = truth * truth.new_tensor([-1.0, 1.0, 1.0, 1.0])
        if rng.random() < config.noisy:
            reference = reference + torch.randn_like(reference) * config.noise
        rate = learning_rate(self.step, config)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.refiner.train()
        loss = laplace_loss(*self.refiner(reference, shape, region, self.side), truth)
        self.optimiser.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.refiner.parameters(), config.clip or math.inf)
        if not torch.isfinite(norm + loss.detach()):
            raise TrackerError(f"the loss or its gradient is not finite {self._where()}")
        self.optimiser.step()
        self.step += 1
        return {"total": loss.item(), "rate": rate}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Scores on the held-out clips.

        ``centre``: mean error of x and y in cells, ``centre_before`` without the refiner; ``size``
        and ``proportion``: mean errors of the log side and the log proportion, ``…_before`` those
        of the first frame's; ``spread``: mean spread of the sides; ``loss``.
        """
        self.refiner.eval()
        columns = []
        for start in range(0, len(self.held), TOGETHER):
            rows = self.held[start : start + TOGETHER]
            found = self.bank.batch(rows, np.zeros(len(rows), int))
            reference, shape, region, truth = (part.to(self.device) for part in found)
            box, spread = self.refiner(reference, shape, region, self.side)
            before = torch.cat([torch.zeros_like(shape), shape], 1)
            columns.append([part.cpu() for part in (box, spread, truth, before)])
        box, spread, truth, before = (torch.cat(parts) for parts in zip(*columns, strict=True))
        scores = {}
        for name, error in (("", box - truth), ("_before", before - truth)):
            x, y, w, h = error.unbind(1)
            scores["centre" + name] = (x.abs() + y.abs()).mean().item() / 2
            scores["size" + name] = (w + h).abs().mean().item() / 2
            scores["proportion" + name] = (w - h).abs().mean().item() / 2
        scores["spread"] = spread[:, 2:].exp().mean().item()
        return {**scores, "loss": laplace_loss(box, spread, truth).item()}

    def run(
        self,
        tell: Callable[[str], None] = print,
        show: Callable[[float], None] = lambda progress: None,
    ) -> None:
        """Train to the end of the schedule; as ``training.loop.Trainer.run``."""
        config = self.config
        self.out.mkdir(parents=True, exist_ok=True)
        log = TrainingLog(self.out / "log.csv", tell, config.log_every, self.step)
        with Stop() as stop, log, explained(config.batch, self._where):
            while self.step < config.steps and not stop.signal:
                terms = self.train_step()
                progress = self.step / config.steps
                log.add(self.step, progress, terms, config.batch, 0.0)
                done = self.step == config.steps
                if done or self.step % config.validate_every == 0:
                    self.scores = self.validate()
                    log.validated(self.step, progress, self.scores)
                if done or stop.signal or self.step % config.checkpoint_every == 0:
                    checkpoint.save(self.last, self.content())
                show(progress)
        if self.step < config.steps:
            tell(f"stopped after step {self.step}; {self.last} holds it: the same command goes on")
            stop.leave()

    def _where(self) -> str:
        good = f"{self.last} holds" if self.last.exists() else "no checkpoint holds"
        return f"at step {self.step}; {good} the last good weights"


def learning_rate(step: int, config: RefinerConfig) -> float:
    """It rises for ``warmup`` steps under a cosine that falls from the first step on."""
    cosine = 0.5 + 0.5 * math.cos(math.pi * step / config.steps)
    return config.rate * min(1.0, (step + 1) / config.warmup) * cosine + LEAST_RATE
