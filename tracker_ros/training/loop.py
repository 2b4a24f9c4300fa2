"""The training of a network: samples in, checkpoints and a log out."""

import logging
from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from ..core.errors import ModelError, ParameterError
from ..engines.runners.torch_runner import DTYPES
from ..networks.blocks.gate import LEARNT
from ..networks.build import build, check_steps
from ..networks.presets import Preset
from .config import TrainingConfig
from .course import Course
from .optimisation.attention_cost import measure_branches
from .optimisation.average import Average
from .optimisation.optimisers import (
    backbone_tensors,
    learning_rate,
    make_optimiser,
    prepare,
    synchronised,
)
from .ranks import Ranks
from .recipes import Loss
from .records import checkpoint
from .records.log import TrainingLog
from .records.plot import plot_losses
from .records.provenance import commit, data_names, hardware, sequences_name
from .samples.batches import Batch, load_batches
from .samples.sampling import Samples
from .scores import MEASURES, score_weights
from .warm_start import load_backbone, warm_start

logger = logging.getLogger(__name__)


class Trainer(Course):
    """Trains one network; ``run`` continues from ``out``/last.pt if it is there.

    Args:
        data: folder of shards, or sets as NAME:FOLDER[:WEIGHT].
        out: folder for ``last.pt``, ``best.pt``, ``log.csv`` and ``loss.png``.
        preset: what to build. config, loss: how to train it, see ``recipes``.
        backbone, start: weights to start with, see ``warm_start``, or None.
        cache: folder for indices of sets, None for none.
        validate: folder of sequences on which the averaged weights are scored now and then.
        tensorboard: write TensorBoard's files to ``out`` too.
    Raises:
        TrackerError: no data; else as ``Course``.
    """

    modules = ("model", "average", "optimiser", "scaler")
    values = ("step", "elapsed", "facts", "best")

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
        ranks = Ranks.join(torch.device(config.device))
        super().__init__(out, config, ranks, config.precision, tensorboard)
        self.data, self.cache, self.preset, self.loss = data, cache, preset, loss
        self.best_file = self.out / "best.pt"
        torch.manual_seed(config.seed)
        if self.device.type == "cuda":
            torch.backends.cudnn.deterministic = True
        self.validate = Path(validate) if validate else None
        # What is wrong with them should be said now.
        judge = sequences_name(self.validate) if self.validate else None
        self.model = build(preset.architecture, preset.network.to_dict())
        check_steps(self.model, preset.tracking)  # else its release would fail, after hours
        frames = config.sampling.memory_frames
        if (wanted := getattr(self.model, "memory_frames", frames)) != frames:
            raise ParameterError(
                f"--memory-frames is {frames}, but {preset.architecture} takes {wanted}"
            )
        self.best: dict | None = None  # step and AUC of the best validation
        self.facts: dict = {"data": data_names(data), "commits": [], "hardware": []}
        if config.frozen_norms and start is None:
            raise ParameterError("--frozen-norms keeps the statistics of --start, which is missing")
        self.pretrained = ""  # the option that the backbones are from
        self.started = 0  # tensors that are from ``start``
        if backbone is not None:
            self.facts["backbone"] = load_backbone(self.model, backbone)
            self.pretrained = "--backbone"
        if start is not None:
            given = warm_start(self.model, start)
            self.started = len(given)
            self.facts["start"] = {"file": Path(start).name, "tensors": self.started}
            if given.issuperset(backbone_tensors(self.model)):
                self.pretrained = "--start"
        self.model = synchronised(self.model, self.ranks.count, self.device)
        self.model.to(self.device, memory_format=torch.channels_last)
        self.average = Average(self.model, config.ema)
        self.optimiser = make_optimiser(self.model, config)
        self.identity = {
            "architecture": preset.architecture,
            "network": preset.network.to_dict(),
            "tracking": preset.tracking.to_dict(),
            "data": self.facts["data"],
            "backbone": checkpoint.named(backbone),
            "start": checkpoint.named(start),
        }
        self.resume()
        if judge:
            self._keep_best(judge)
        if config.losses.gate_budget and "gate_costs" not in self.facts:
            self.facts["gate_costs"] = self._measure_costs()
        for name, value in (("commits", commit()), ("hardware", hardware(self.device))):
            self.facts[name] += [value] if value and value not in self.facts[name] else []
        costs = tuple(self.facts.get("gate_costs", {}).values())
        self.config = replace(config, losses=replace(config.losses, gate_costs=costs))

    def resume(self) -> None:
        super().resume()
        facts, best = self.facts, self.best
        kinds = {"data": list, "commits": list, "hardware": list}
        kinds |= {"gate_costs": dict} if isinstance(facts, dict) and "gate_costs" in facts else {}
        whole = isinstance(facts, dict) and all(
            isinstance(facts.get(name), kind) for name, kind in kinds.items()
        )
        if best is not None:
            score = best.get("auc") if isinstance(best, dict) else None
            whole = whole and isinstance(score, float) and 0 <= score <= 1
        if not whole:
            raise ModelError(f"{self.last} is no checkpoint of this training: odd facts or best")

    def _keep_best(self, judge: str) -> None:
        """Forget the best validation where it was of other sequences, or its weights are gone."""
        before = self.facts.get("validated", judge)
        if self.best is not None and (before != judge or not self.best_file.exists()):
            reason = f"is of {before}, not of {judge}" if before != judge else "is gone"
            if self.ranks.leads:
                logger.warning(
                    "%s %s: the best weights are looked for anew", self.best_file, reason
                )
            self.best = None
        self.facts["validated"] = judge

    @property
    def scored(self) -> bool:
        return not self.validate or self.best is not None

    @property
    def written(self) -> tuple[Path, ...]:
        return (self.last, self.best_file) if self.validate else (self.last,)

    def _measure_costs(self) -> dict[str, float]:
        if getattr(self.preset.network, "gate", None) not in LEARNT:
            raise ParameterError("--loss-gate-budget needs a network with a gate")
        found = measure_branches(self.model, self.preset.tracking)
        costs = torch.tensor(list(found.values()), device=self.device)
        self.ranks.average([costs])  # the same for all
        return dict(zip(found, costs.tolist(), strict=True))

    def save(self) -> None:
        super().save()
        plot_losses(self.out)

    def batches(self) -> Generator[Batch, None, None]:
        data, sampling = self.data, self.config.sampling
        self.samples = Samples(data, self.preset.tracking, sampling, self.config.seed, self.cache)
        return load_batches(self.samples, self.config, self.ranks, self.step)

    @property
    def replaced(self) -> int:
        return self.samples.replaced

    def train_step(self, batch: Batch) -> dict[str, float]:
        config, progress = self.config, self.progress
        chance = np.random.SeedSequence((config.seed, self.step, self.ranks.rank))
        torch.manual_seed(int(chance.generate_state(1, np.uint64)[0]))
        prepare(self.model, bool(self.pretrained), progress, config)
        kind, batch = DTYPES[config.precision], batch.to(self.device)
        with torch.autocast(self.device.type, kind, enabled=kind != torch.float32):
            terms = self.loss(self.model, batch, self.preset.tracking, config.losses)
        values = self.update(self.model, terms, config.rate * learning_rate(progress, config))
        self.average.update(self.model, self.step)
        return values

    def score(self, log: TrainingLog | None) -> None:
        if not self.validate:
            return
        if log:
            found = score_weights(
                self.average.state, self.preset, self.validate, self.config.device
            )
            told = [n for n in found if n in MEASURES.measures or n.startswith("share_")]
            log.validated(self.step, self.progress, {name: found[name] for name in told})
            if self.best is None or found["auc"] > self.best["auc"]:
                self.best = {"step": self.step, "auc": found["auc"]}
                checkpoint.save(self.best_file, self.content())
        self.ranks.wait()
