"""The training loop: samples in, checkpoints and a log out."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, nullcontext
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch

from ..core.errors import ModelError, ParameterError, TrackerError, brief
from ..engines.runners.torch_runner import DTYPES
from ..networks.build import build
from ..networks.presets import Preset
from ..sources.sequences import find_sequences
from .config import TrainingConfig
from .optimisation.attention_cost import measure_branches
from .optimisation.average import Average
from .optimisation.optimisers import make_optimiser, prepare, synchronised
from .optimisation.schedules import learning_rate
from .ranks import Ranks
from .recipes import Loss
from .records import checkpoint
from .records.failures import Stop, explained
from .records.log import TrainingLog
from .records.plot import plot_losses
from .records.provenance import commit, data_names, hardware
from .samples.batches import Batch, load_batches
from .samples.sampling import Samples
from .scores import MEASURES, score_weights
from .warm_start import load_backbone, warm_start


class Trainer:
    """Trains one network; ``run`` continues from ``out``/last.pt if it is there.

    Step i of a process is a function of weights, seed and i alone, whatever happened between the
    steps: a resumed run takes the same course.

    Args:
        data: folder of shards, or sets as NAME:FOLDER[:WEIGHT].
        out: folder for ``last.pt``, ``best.pt``, ``log.csv`` and ``loss.png``.
        preset: what to build. config, loss: how to train it, see ``recipes``.
        backbone, start: weights to start with, see ``warm_start``, or None.
        cache: folder for indices of sets, None for none.
        validate: folder of sequences on which the averaged weights are scored now and then.
        tensorboard: write TensorBoard's files to ``out`` too.
    Raises:
        TrackerError: no data, a checkpoint of another run, a loss that is not finite, no memory,
            a full disk.
    """

    def __init__(
        self,
        data: str | Path | Sequence[str | Path],
        out: str | Path,
        preset: Preset,
        config: TrainingConfig,
        loss: Loss,
        *,
        backbone: str | Path | None = None,
        start: str | Path | None = None,
        cache: Path | None = None,
        validate: str | Path | None = None,
        tensorboard: bool = False,
    ):
        self.data, self.out, self.cache = data, Path(out), cache
        self.preset, self.config, self.loss = preset, config, loss
        self.tensorboard = tensorboard
        torch.manual_seed(config.seed)
        self.device = torch.device(config.device)
        if self.device.type == "cuda":
            torch.backends.cudnn.deterministic = True
        self.ranks = Ranks.join(self.device)
        self.validate = Path(validate) if validate else None
        if self.validate:
            find_sequences(self.validate)  # what is wrong with them should be said now
        self.model = build(preset.architecture, preset.network.to_dict())
        self.step, self.elapsed = 0, 0.0
        self.best: dict | None = None  # step and AUC of the best validation
        self.facts: dict = {"data": data_names(data), "commits": [], "hardware": []}
        if config.frozen_norms and start is None:
            raise ParameterError("--frozen-norms keeps the statistics of --start, which is missing")
        if backbone is not None:
            self.facts["backbone"] = load_backbone(self.model, backbone)
        if start is not None:
            tensors = len(warm_start(self.model, start))
            self.facts["start"] = {"file": Path(start).name, "tensors": tensors}
        self.model = synchronised(self.model, self.ranks.count, self.device)
        self.model.to(self.device, memory_format=torch.channels_last)
        self.average = Average(self.model, config.ema)
        self.optimiser = make_optimiser(self.model, config)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=config.precision == "fp16")
        self.last = self.out / "last.pt"
        if self.last.exists():
            self._resume()
        if config.losses.gate_budget and "gate_costs" not in self.facts:
            self.facts["gate_costs"] = self._measure_costs()
        for name, value in (("commits", commit()), ("hardware", hardware(self.device))):
            self.facts[name] += [value] if value and value not in self.facts[name] else []
        costs = tuple(self.facts.get("gate_costs", {}).values())
        self.config = replace(config, losses=replace(config.losses, gate_costs=costs))

    def _measure_costs(self) -> dict[str, float]:
        if getattr(self.preset.network, "gate", None) not in ("hard", "soft"):
            raise ParameterError("--loss-gate-budget needs a network with a gate")
        found = measure_branches(self.model, self.preset.tracking)
        costs = torch.tensor(list(found.values()), device=self.device)
        self.ranks.average([costs])  # the same for all
        return dict(zip(found, costs.tolist(), strict=True))

    def _identity(self) -> dict:
        """What may not change when a run is resumed."""
        config = self.config
        return {
            "architecture": self.preset.architecture,
            "network": self.preset.network.to_dict(),
            "tracking": self.preset.tracking.to_dict(),
            "data": self.facts["data"],
            "sampling": asdict(config.sampling),
            "optimiser": config.optimiser,
            "batch": config.batch,
            "seed": config.seed,
        }

    def _resume(self) -> None:
        content = checkpoint.load(self.last)
        try:
            checkpoint.same_run(self.last, content["identity"], self._identity())
            self.model.load_state_dict(content["model"])
            self.average.load(content["average"], content["average_count"])
            self.optimiser.load_state_dict(content["optimiser"])
            self.scaler.load_state_dict(content["scaler"])
            self.step, self.elapsed = content["step"], content["elapsed"]
            self.facts, self.best = content["facts"], content["best"]
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise ModelError(
                f"{self.last} is no checkpoint of this training: {brief(error)}"
            ) from error

    def content(self) -> dict:
        """All that a checkpoint holds."""
        return {
            "identity": self._identity(),
            "config": asdict(self.config),
            "facts": self.facts,
            "model": self.model.state_dict(),
            "average": self.average.state,
            "average_count": self.average.count,
            "optimiser": self.optimiser.state_dict(),
            "scaler": self.scaler.state_dict(),
            "step": self.step,
            "elapsed": self.elapsed,
            "best": self.best,
        }

    @property
    def progress(self) -> float:
        """Share of the schedule that is done."""
        if self.config.minutes:
            return self.elapsed / (60 * self.config.minutes)
        return self.step / self.config.steps

    def train_step(self, batch: Batch) -> dict[str, float]:
        """One update of the weights; returns the loss terms, means over all processes."""
        config, progress = self.config, self.progress
        chance = np.random.SeedSequence((config.seed, self.step, self.ranks.rank))
        torch.manual_seed(int(chance.generate_state(1, np.uint64)[0]))
        rate = config.rate * learning_rate(progress, config)
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group["share"]
        prepare(self.model, "backbone" in self.facts, progress, config)
        kind, batch = DTYPES[config.precision], batch.to(self.device)
        with torch.autocast(self.device.type, kind, enabled=kind != torch.float32):
            terms = self.loss(self.model, batch, self.preset.tracking, config.losses)
        self.optimiser.zero_grad(set_to_none=True)
        self.scaler.scale(terms["total"]).backward()
        values = torch.stack([value.detach().float() for value in terms.values()])
        gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
        self.ranks.average([*gradients, values])
        self.scaler.unscale_(self.optimiser)
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), config.clip or math.inf)
        # Looked at after the exchange, so that all processes stop and none waits for the others.
        # Scaled gradients may overflow: the scaler leaves out such a step and scales less.
        overflow = self.scaler.is_enabled() and self.scaler.get_scale() > 1
        if not (torch.isfinite(values).all() and (overflow or torch.isfinite(norm))):
            raise TrackerError(f"the loss or its gradient is not finite {self._where()}")
        self.scaler.step(self.optimiser)
        self.scaler.update()
        self.average.update(self.model)
        self.step += 1
        return dict(zip(terms, values.tolist(), strict=True)) | {"rate": rate}

    def _where(self) -> str:
        good = f"{self.last} holds" if self.last.exists() else "no checkpoint holds"
        return f"at step {self.step}; {good} the last good weights"

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
        config, log = self.config, nullcontext()
        if self.ranks.leads:
            log = TrainingLog(
                self.out / "log.csv", tell, config.log_every, self.step, self.tensorboard
            )
        samples = Samples(self.data, self.preset.tracking, config.sampling, config.seed, self.cache)
        batches = load_batches(samples, config, self.ranks, self.step)
        with Stop() as stop, log, explained(config.batch, self._where), closing(batches):
            stopped = self._steps(batches, samples, log, stop, show)
        if stopped:
            tell(f"stopped after step {self.step}; {self.last} holds it: the same command goes on")
            stop.leave()

    def _steps(
        self,
        batches: Iterator[Batch],
        samples: Samples,
        log: TrainingLog,
        stop: Stop,
        show: Callable[[float], None],
    ) -> bool:
        """Train until the schedule or, with True, a signal ends it."""
        config, leads = self.config, self.ranks.leads
        stopping, last = False, time.monotonic()
        while self.progress < 1 and not stopping:
            asked = time.monotonic()
            batch = next(batches)
            waited = time.monotonic() - asked
            terms = self.train_step(batch)
            now = time.monotonic()
            # One clock for all, and all stop at the same step.
            agreed = torch.tensor([now - last, float(stop.signal or 0)], device=self.device)
            self.ranks.average([agreed])
            self.elapsed, last = self.elapsed + agreed[0].item(), now
            stopping, done = agreed[1].item() > 0, self.progress >= 1
            if leads:
                log.add(self.step, self.progress, terms, config.batch, waited, samples.replaced)
            if self.validate and (done or self.step % config.validate_every == 0):
                self._validate(log)
            if leads and (done or stopping or self.step % config.checkpoint_every == 0):
                checkpoint.save(self.last, self.content())
                plot_losses(self.out)
            show(self.progress)
        return stopping

    def _validate(self, log: TrainingLog) -> None:
        if self.ranks.leads:
            found = score_weights(
                self.average.state, self.preset, self.validate, self.config.device
            )
            told = [n for n in found if n in MEASURES.measures or n.startswith("share_")]
            log.validated(self.step, self.progress, {name: found[name] for name in told})
            if self.best is None or found["auc"] > self.best["auc"]:
                self.best = {"step": self.step, "auc": found["auc"]}
                checkpoint.save(self.out / "best.pt", self.content())
        self.ranks.wait()
