"""The papers' ablations: variants of a network, trained alike, scored by real tracking.

One backbone, the same samples in the same order, the same number of steps; only one part differs:
what ``variants`` lists. The budget is
small on purpose: what is compared is variants with each other, not with published trackers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ...core.errors import ParameterError
from ...core.gate import BRANCHES
from ...core.io.files import write_json
from ...networks.build import build
from ...networks.presets import Preset
from ..config import TrainingConfig
from ..loop import Trainer
from ..optimisation.attention_cost import Parts, frame_costs, measure_parts
from ..recipes import Loss
from ..records import checkpoint
from ..records.provenance import data_names, sequences_name
from ..scores import MEASURES, score_weights
from .records import damaged, read_parts, read_scores, read_settings
from .tables import write_tables
from .variants import Study, Variant, study_of

DONE = "scores.json"  # a run's last file
SETTINGS = "settings.json"


@dataclass(frozen=True, kw_only=True)
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
    study: Study
    seeds: tuple[int, ...]
    backbone: Path | None = None
    start: Path | None = None
    cache: Path | None = None
    random_tests: int = 3

    @property
    def gated(self) -> bool:
        """Whether modes of a gate are compared, or parts of another network."""
        return hasattr(self.preset.network, "gate")

    def settings(self) -> dict:
        """All that the scores depend on, besides variant and seed, as plain JSON types.

        Raises TrackerError where a file or folder is missing or cannot be read.
        """
        architecture, network, tracking = self.preset
        values, config = network.to_dict(), asdict(self.config)
        for variant in study_of(architecture).variants.values():
            values |= dict.fromkeys(variant.network, "by variant")
        for name in ("seed", "workers", "device", "checkpoint_every", "log_every"):
            del config[name]
        return json.loads(
            json.dumps(
                {
                    "architecture": architecture,
                    "network": values,
                    "tracking": tracking.to_dict(),
                    "data": data_names(self.data),
                    "training": config,
                    "random_tests": self.random_tests,
                    "backbone": checkpoint.named(self.backbone),
                    "start": checkpoint.named(self.start),
                    "validate": sequences_name(self.validate),
                }
            )
        )


def ablate(plan: Plan, out: Path) -> list[dict]:
    """Train and score every variant with every seed; returns the scores, one dict a test.

    ``out`` takes runs/VARIANT-SEED (as ``Trainer``, and scores.json), and after each of them
    ablation.csv, .json, .md and .png of what is there; costs.json is measured once. What is done is
    not done again, and a training goes on where it was.

    Raises ParameterError where ``out`` holds an ablation of other settings; else as ``Trainer``.
    Of what is wrong with the plan nothing is written.
    """
    settings = plan.settings()
    check_settings(out / SETTINGS, settings)
    _check(plan, out)
    write_json(out / SETTINGS, settings)
    parts = _parts(plan, out / "costs.json") if plan.gated else None
    scores: list[dict] = []
    for variant, seed, folder in _runs(plan, out):
        scores += _run(plan, variant, seed, folder, parts)
        write_tables(out, settings, scores)
    return scores


def check_settings(path: Path, settings: dict) -> None:
    """Raise ParameterError where ``path`` holds other settings."""
    if not path.is_file():
        return
    old = read_settings(path)
    if old is None:
        raise ParameterError(f"{path} is damaged; give another folder")
    for name, value in settings.items():
        if old.get(name) != value:
            before, now = checkpoint.differing(old.get(name), value)
            raise ParameterError(
                f"{path.parent} holds an ablation with another {name}: {before}, not {now};"
                " give another folder"
            )


def _check(plan: Plan, out: Path) -> None:
    """Raise what each run would raise before its first step."""
    trainer = None
    for run in _runs(plan, out):
        if not (run[-1] / DONE).is_file():
            trainer = _trainer(plan, *run)
    if trainer:
        trainer.batches().close()  # the same data for all


def _runs(plan: Plan, out: Path) -> Iterator[tuple[Variant, int, Path]]:
    """Variant, seed and folder of each; all variants have a first score early."""
    for seed in plan.seeds:
        for variant in plan.study.variants.values():
            yield variant, seed, out / "runs" / f"{variant.name}-{seed}"


def _parts(plan: Plan, path: Path) -> Parts:
    """Costs that all variants share, measured once."""
    if not path.is_file():
        architecture, network, tracking = plan.preset
        made = build(architecture, network.to_dict() | {"gate": "hard"})
        write_json(path, measure_parts(made.to(plan.config.device).eval(), tracking))
    return read_parts(path, ("features", "gate", *BRANCHES[1:]))


def _run(plan: Plan, variant: Variant, seed: int, folder: Path, parts: Parts | None) -> list[dict]:
    done = folder / DONE
    if done.is_file():
        scores = read_scores(done, "variant", "test", "seed", *MEASURES.measures)
        of = [(one["variant"], one["test"], one["seed"]) for one in scores]
        if of != [(variant.name, test, seed) for test in variant.tests]:
            raise damaged(done)  # a copy of another's, which would count twice
        return scores
    trainer = _trainer(plan, variant, seed, folder)
    print(f"{variant.name}, seed {seed}: training")
    trainer.run()
    average = checkpoint.load(folder / "last.pt")["average"]
    scores = []
    for test in variant.tests:
        score = {"variant": variant.name, "test": test, "seed": seed}
        preset, repeats = variant.tested(plan.preset, test), plan.random_tests
        score |= score_weights(
            average, preset, plan.validate, plan.config.device, repeats if test == "random" else 1
        )
        if parts is not None:
            shares = [score[f"share_{name}"] for name in BRANCHES]
            score |= frame_costs(parts, shares, gated=test in ("hard", "soft"))
        print(f"{variant.name}, seed {seed}, tested {test}: AUC {score['auc']:.3f}")
        scores.append(score)
    write_json(done, scores)
    return scores


def _trainer(plan: Plan, variant: Variant, seed: int, folder: Path) -> Trainer:
    losses = replace(plan.config.losses, **variant.losses)
    return Trainer(
        plan.data,
        folder,
        variant.trained(plan.preset),
        replace(plan.config, seed=seed, losses=losses),
        plan.loss,
        backbone=plan.backbone,
        start=plan.start,
        cache=plan.cache,
    )
