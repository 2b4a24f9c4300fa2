"""The paper's ablations: variants of the attention, trained alike, scored by real tracking.

One backbone, the same samples in the same order, the same number of steps; only the attention on
the memorised frames differs (DASTM, Tables I to IV). The budget is small on purpose: what is
compared is variants with each other, not with published trackers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from ..core.errors import ParameterError
from ..core.gate import BRANCHES
from ..engines import network_tracker
from ..evaluation import metrics
from ..evaluation.results import SequenceResult, replacing
from ..evaluation.runner import run_sequence
from ..evaluation.sequences import find_sequences
from ..networks.build import build
from ..networks.gate import MODES
from ..networks.presets import Preset
from . import checkpoint
from .ablation_costs import measure
from .ablation_tables import write_tables
from .config import TrainingConfig
from .loop import Trainer
from .provenance import data_names
from .recipes import Loss

VARIANTS = ("skip", "se", "ca", "cbam", "se+ca", "static", "random", "soft", "hard", "hard@0.5")
DONE = "scores.json"  # a run's last file
BUDGET_WEIGHT = 1.0  # of the budget's loss in variants that have one


class Variant(NamedTuple):
    """A mode of the gate and, for ``hard@B``, the ``budget`` of ``LossConfig``."""

    name: str
    gate: str
    budget: float | None = None

    @classmethod
    def parse(cls, name: str) -> Variant:
        """Read ``hard`` or ``hard@0.5``. Raises ParameterError."""
        gate, at, text = name.partition("@")
        try:
            budget = float(text) if at else None
        except ValueError:
            budget = -1.0
        if gate not in MODES or (at and not (gate in ("hard", "soft") and 0 < budget <= 1)):
            raise ParameterError(
                f"variant {name!r} is none of {', '.join(MODES)}, or hard@B with B from 0 to 1"
            )
        return cls(name, gate, budget)

    @property
    def tests(self) -> tuple[str, ...]:
        """How it is tested: with the gate it was trained with; ``hard`` by chance, too."""
        return (self.gate, "random") if self.name == "hard" else (self.gate,)


@dataclass(frozen=True)
class Plan:
    """What is trained and scored.

    data, backbone, start, cache: as of ``Trainer``. validate: sequences with truth.
    random_tests: how often a random gate is tested, with other chance, for one score.
    """

    data: Sequence[str]
    validate: Path
    preset: Preset
    config: TrainingConfig
    loss: Loss
    variants: tuple[Variant, ...]
    seeds: tuple[int, ...]
    backbone: Path | None = None
    start: Path | None = None
    cache: Path | None = None
    random_tests: int = 3

    def settings(self) -> dict:
        """All that the scores depend on, besides variant and seed, as plain JSON types."""
        architecture, network, tracking = self.preset
        config = asdict(self.config)
        for name in ("seed", "workers", "device", "checkpoint_every", "log_every"):
            del config[name]
        named = {"backbone": self.backbone, "start": self.start, "validate": self.validate}
        return json.loads(
            json.dumps(
                {
                    "architecture": architecture,
                    "network": network.to_dict() | {"gate": "by variant"},
                    "tracking": tracking.to_dict(),
                    "data": data_names(self.data),
                    "training": config,
                    "random_tests": self.random_tests,
                }
                | {name: path and Path(path).name for name, path in named.items()}
            )
        )


def ablate(plan: Plan, out: Path, tell: Callable[[str], None] = print) -> list[dict]:
    """Train and score every variant with every seed; returns the scores, one dict a test.

    ``out`` takes runs/VARIANT-SEED (as ``Trainer``, and scores.json), and after each of them
    ablation.csv, .json, .md and .png of what is there. What is done is not done again, and a
    training goes on where it was.

    Raises ParameterError where ``out`` holds an ablation of other settings; else as ``Trainer``.
    """
    out.mkdir(parents=True, exist_ok=True)
    _same_settings(out / "settings.json", plan.settings())
    find_sequences(plan.validate)  # what is wrong with them should be said before hours of training
    scores: list[dict] = []
    fresh = False
    for seed in plan.seeds:  # so that all variants have a first score early
        for variant in plan.variants:
            folder = out / "runs" / f"{variant.name}-{seed}"
            fresh = not (folder / DONE).is_file()
            scores += _run(plan, variant, seed, folder, tell)
            if fresh:
                write_tables(out, plan.settings(), scores)
    if not fresh:
        write_tables(out, plan.settings(), scores)
    return scores


def _same_settings(path: Path, settings: dict) -> None:
    if path.is_file():
        try:
            old = json.loads(path.read_text())
        except ValueError:
            raise ParameterError(f"{path} is damaged; give another folder") from None
        for name, value in settings.items():
            if old.get(name) != value:
                raise ParameterError(
                    f"{path.parent} holds an ablation with another {name}: {old.get(name)}, "
                    f"not {value}; give another folder"
                )
    with replacing(path) as part:
        part.write_text(json.dumps(settings, indent=2) + "\n")


def _run(
    plan: Plan, variant: Variant, seed: int, folder: Path, tell: Callable[[str], None]
) -> list[dict]:
    done = folder / DONE
    if done.is_file():
        return json.loads(done.read_text())
    losses = plan.config.losses
    if variant.budget is not None:
        losses = replace(losses, gate_budget=BUDGET_WEIGHT, budget=variant.budget)
    trainer = Trainer(
        plan.data,
        folder,
        _with_gate(plan.preset, variant.gate),
        replace(plan.config, seed=seed, losses=losses),
        plan.loss,
        backbone=plan.backbone,
        start=plan.start,
        cache=plan.cache,
    )
    tell(f"{variant.name}, seed {seed}: training")
    trainer.run(tell)
    average = checkpoint.load(folder / "last.pt")["average"]
    scores = []
    for test in variant.tests:
        score = {"variant": variant.name, "test": test, "seed": seed}
        score |= _test(plan, test, average)
        tell(f"{variant.name}, seed {seed}, tested {test}: AUC {score['auc']:.3f}")
        scores.append(score)
    with replacing(done) as part:
        part.write_text(json.dumps(scores, indent=2) + "\n")
    return scores


def _with_gate(preset: Preset, gate: str) -> Preset:
    return preset._replace(network=replace(preset.network, gate=gate))


def _test(plan: Plan, gate: str, average: dict) -> dict:
    """Scores and costs of the averaged weights under a gate."""
    architecture, config, tracking = _with_gate(plan.preset, gate)
    network = build(architecture, config.to_dict())
    own = network.state_dict()
    network.load_state_dict({name: average[name] for name in own})
    device = torch.device(plan.config.device)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    tracker = network_tracker(network, architecture, tracking, plan.config.device)
    repeats, results = plan.random_tests if gate == "random" else 1, []
    for number in range(repeats):
        torch.manual_seed(number)
        results += [run_sequence(tracker, one) for one in find_sequences(plan.validate)]
    scores = _scores(results) | {"tests": repeats}
    if device.type == "cuda":
        scores["peak_bytes"] = torch.cuda.max_memory_allocated(device)
    shares = _shares(results, network)
    costs = measure(network.to(device).eval(), tracking, shares)
    named = {f"share_{name}": share for name, share in zip(BRANCHES, shares, strict=True)}
    return scores | named | {"high_computation": shares[-1]} | costs


def _scores(results: list[SequenceResult]) -> dict:
    """Means over sequences; ``auc_of`` of each sequence, its mean over repeated tests."""
    rows = []
    for result in results:
        present = ~np.isnan(result.truth).any(1)
        overlaps = metrics.iou(result.boxes[present], result.truth[present])
        rows.append(
            {
                "auc": metrics.success_auc(result.boxes, result.truth),
                "precision": metrics.precision(result.boxes, result.truth),
                "overlap": float(overlaps.mean()),
                "sr50": float((overlaps > 0.5).mean()),
                "sr75": float((overlaps > 0.75).mean()),
            }
        )
    names = [result.sequence for result in results]
    auc_of = {
        name: float(np.mean([r["auc"] for r, n in zip(rows, names, strict=True) if n == name]))
        for name in dict.fromkeys(names)
    }
    frames, seconds = (sum(values) for values in zip(
        *((len(result) - 1, result.seconds[1:].sum()) for result in results), strict=True
    ))  # fmt: skip
    means = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
    return means | {"fps": float(frames / seconds), "auc_of": auc_of}


def _shares(results: list[SequenceResult], network: nn.Module) -> list[float]:
    """How often each branch was computed for a frame's memory: several for a sum."""
    if network.config.gate in ("hard", "random"):
        chosen = np.concatenate([result.branches for result in results])
        chosen = chosen[chosen >= 0]
        return (np.bincount(chosen, minlength=len(BRANCHES)) / max(len(chosen), 1)).tolist()
    computed = network.attention.branches
    return [float(name in computed or name == network.config.gate) for name in BRANCHES]
