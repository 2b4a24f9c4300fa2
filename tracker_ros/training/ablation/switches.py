"""Ablation of trained weights: each part is switched off in turn, nothing is trained.

For a network beside a filter (``architectures.dastm_filter``): attention on the memorised frames,
the memory beyond the first frame, the filter, the network.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256
from pathlib import Path

import numpy as np

from ...core.config import TrackingConfig
from ...core.engine import Answer, Engine, Example, Query, State
from ...core.errors import ParameterError
from ...core.gate import Gate
from ...core.geometry.boxes import Box
from ...core.io.files import UNTOLD, replacing, write_json
from ...core.online.views import FirstView
from ...engines.models.files import find_model
from ...engines.models.store import load_network
from ...networks.presets import Preset
from ..records.provenance import commit, sequences_name
from ..scores import MEASURES, score_weights
from .records import damaged, read_scores
from .study import SETTINGS, check_settings

ARCHITECTURE = "dastm_filter"


@dataclass(frozen=True)
class Switch:
    """A row: what is another than in the trained model.

    Attributes:
        network, tracking: values of its configurations. off: see ``Switched``.
    """

    name: str
    title: str
    network: Mapping[str, object] = field(default_factory=dict)
    tracking: Mapping[str, object] = field(default_factory=dict)
    off: tuple[str, ...] = ()

    def applied(self, preset: Preset) -> Preset:
        """The preset with this row's values."""
        return preset._replace(
            network=replace(preset.network, **self.network),
            tracking=replace(preset.tracking, **self.tracking),
        )


# How the network tracks alone: it has a box for each cell, and a score that needs a window.
NETWORK = {
    "window_influence": 0.2,
    "penalty": 0.1,
    "size_rate": 0.05,
    "tracking_score": 0.35,
    "lost_score": 0.15,
    "recover_score": 0.5,
}
COMPARED = {"refine_network": 0.0}  # boxes by the refiner, which compares with the first frame
WHOLE = Switch("whole", "as it is")
TABLES: dict[str, tuple[Switch, ...]] = {
    "Attention on the memorised frames": (
        WHOLE,
        Switch("skip", "none (skip)", {"gate": "skip"}),
        Switch("se", "SE always", {"gate": "se"}),
        Switch("ca", "CA always", {"gate": "ca"}),
        Switch("cbam", "CBAM always", {"gate": "cbam"}),
        Switch("soft", "sum weighted by the gate", {"gate": "soft"}),
        Switch("random", "by chance", {"gate": "random"}),
    ),
    "Memory": (
        WHOLE,
        Switch("first-read", "the network reads the first frame alone", off=("memory",)),
        Switch("first-learnt", "the filter learns from the first frame alone", off=("learning",)),
        Switch("first", "both, the first frame alone", off=("memory", "learning")),
    ),
    "Filter": (
        WHOLE,
        Switch("network", "the network alone", tracking=NETWORK, off=("filter",)),
        Switch(
            "network-first",
            "the network alone, with the first frame alone",
            tracking=NETWORK,
            off=("filter", "memory"),
        ),
        Switch("filter", "the filter alone", tracking=COMPARED, off=("network",)),
        Switch("compared", "boxes without the network's own", tracking=COMPARED),
    ),
}
SWITCHES = {one.name: one for rows in TABLES.values() for one in rows}


class Switched(Engine):
    """``core.engine.Engine`` around that of a memory network, without some of its parts.

    Args:
        off: ``memory``, the network reads the first frame alone; ``learning``, the filter knows the
            first frame alone; ``filter``, there is none; ``network``, it is never asked.
    """

    def __init__(self, engine: Engine, off: Sequence[str]):
        self.engine, self.off = engine, off
        self.tracking, self.facts, self.provider = engine.tracking, engine.facts, engine.provider
        self.responds = engine.responds and "filter" not in off
        self.reuses = engine.reuses
        self.each = engine.each

    def start(self, crop: np.ndarray, box: Box, views: Sequence[FirstView] = ()) -> State:
        state = self.engine.start(crop, box, views)
        return replace(state, taught=lambda: None) if "filter" in self.off else state

    def locate_all(self, queries: Sequence[Query]) -> list[Answer]:
        answers = self.engine.locate_all(queries)
        if "network" not in self.off:
            return answers
        return [(replace(found, opinion=None), state) for found, state in answers]

    def remember_all(self, examples: Sequence[Example]) -> list[State]:
        after = self.engine.remember_all(examples)
        return [self._kept(one.state, state) for one, state in zip(examples, after, strict=True)]

    def _kept(self, before: State, after: State) -> State:
        if "memory" in self.off:
            after = replace(after, frames=before.frames, memory=before.memory)
        if "learning" in self.off:
            after = replace(after, taught=before.taught)
        return after

    def gate(self, state: State) -> Gate | None:
        return self.engine.gate(state)

    def remembered(self, state: State) -> int:
        return self.engine.remembered(state)


def switch_off(
    model: str | Path,
    validate: Path,
    out: Path,
    names: Sequence[str] = (),
    *,
    starts: int = 1,
    repeats: int = 3,
    device: str = "cpu",
) -> list[dict]:
    """Score every switch on the sequences of ``validate``; returns the scores, one dict a switch.

    ``out`` takes runs/NAME.json, and after each of them ablation.json and .md. What is there is not
    scored again.

    Args:
        model: a shipped name or a path; the weights of a network beside a filter.
        names: of ``SWITCHES``; none: all. starts: see ``score_weights``. repeats: runs of what goes
            by chance.
    Raises:
        ParameterError: another kind of network, an unknown name, or ``out`` holds other
            settings' scores; ModelError, SourceError: as ``load_network``, ``sequences_name``.
    """
    if unknown := [name for name in names if name not in SWITCHES]:
        raise ParameterError(f"variant {unknown[0]!r} is none of {', '.join(SWITCHES)}")
    path = find_model(model).weights
    network, facts = load_network(path)
    if facts["architecture"] != ARCHITECTURE or facts["network"]["filter"] == "none":
        raise ParameterError(
            f"{path.name} has no filter beside its network ({facts['architecture']}): give DATA to"
            " train variants of its paper's tables"
        )
    tracking = TrackingConfig.from_dict(facts["tracking"])
    preset = Preset(facts["architecture"], network.config, tracking)
    settings = {
        "model": path.name,
        "sha256": sha256(path.read_bytes()).hexdigest(),
        "facts": {name: facts[name] for name in ("network", "tracking")},
        "validate": sequences_name(validate),
        "starts": starts,
        "random_tests": repeats,
    }
    settings = json.loads(json.dumps(settings))  # tuples are lists there
    check_settings(out / SETTINGS, settings)
    write_json(out / SETTINGS, settings)
    scores = []
    for switch in [SWITCHES[name] for name in names or SWITCHES]:
        done = out / "runs" / f"{switch.name}.json"
        if not done.is_file():
            by_chance = switch.network.get("gate") == "random"
            score = score_weights(
                network.state_dict(),
                switch.applied(preset),
                validate,
                device,
                repeats if by_chance else 1,
                starts=starts,
                change=partial(Switched, off=switch.off),
            )
            write_json(done, {"name": switch.name} | score)
        scores += read_scores(done, "name", *MEASURES.measures)
        if scores[-1]["name"] != switch.name:
            raise damaged(done)
        print(f"{switch.title}: AUC {scores[-1]['auc']:.3f}")
    content = {"settings": settings, "commit": commit(), "scores": scores}
    write_json(out / "ablation.json", content)
    with replacing(out / "ablation.md") as part:
        part.write_text(markdown(settings, scores), encoding="utf-8", errors=UNTOLD)
    return scores


def markdown(settings: dict, scores: Sequence[dict]) -> str:
    """The tables; a difference stands with its standard error over the sequences."""
    found = {one["name"]: one for one in scores}
    count = len(next(iter(found.values()))["auc_of"])
    lines = [
        f"{settings['model']}, nothing trained; {count} runs on {settings['validate']}, "
        f"{settings['starts']} of each sequence. Difference: to the model as it is, mean ± standard"
        " error over the runs.",
        "",
    ]
    for title, rows in TABLES.items():
        shown = [row for row in rows if row.name in found]
        if not shown or shown == [WHOLE]:
            continue
        lines += [f"### {title}", "", "| | AUC | difference | precision | overlap > .5 |"]
        lines += ["|---|---|---|---|---|"]
        for row in shown:
            one = found[row.name]
            numbers = f"{one['auc']:.3f} | {_difference(one, found.get(WHOLE.name))}"
            lines.append(
                f"| {row.title} | {numbers} | {one['precision']:.3f} | {one['sr50']:.3f} |"
            )
        lines.append("")
    return "\n".join(lines)


def _difference(one: dict, whole: dict | None) -> str:
    if whole is None or one is whole:
        return "–"
    differences = np.array([auc - whole["auc_of"][name] for name, auc in one["auc_of"].items()])
    text = f"{differences.mean():+.3f}"
    if len(differences) < 2:  # which say nothing of an error
        return text
    return f"{text} ± {differences.std(ddof=1) / len(differences) ** 0.5:.3f}"
