"""Variants of the papers' ablations, and their tables: DASTM's, STMTrack's, STIF's, DASTSiam's."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from ...core.errors import ParameterError
from ...core.io.numbers import parse_number
from ...networks.blocks.gate import MODES
from ...networks.presets import Preset

QUALITY = ("auc", "difference", "sr50", "sr75", "precision", "fps")
COST = ("parameters", "macs_attention", "macs_memory", "ms_attention", "ms_memory")
WHOLE = "as trained"  # the name of a test that changes nothing
BUDGET_WEIGHT = 1.0  # of the budget's loss in variants that have one


@dataclass(frozen=True)
class Variant:
    """A network with a part of the paper's changed, and how it is tested.

    Attributes:
        network, losses: values that differ from the plan's.
        tests: by name, each of other values of the tracker, or of the network.
    """

    name: str
    network: Mapping[str, object] = field(default_factory=dict)
    losses: Mapping[str, object] = field(default_factory=dict)
    tests: Mapping[str, Mapping[str, object]] = field(default_factory=lambda: {WHOLE: {}})

    def trained(self, preset: Preset) -> Preset:
        """What is trained."""
        return preset._replace(network=replace(preset.network, **self.network))

    def tested(self, preset: Preset, test: str) -> Preset:
        """What is tested."""
        made, values = self.trained(preset), self.tests[test]
        of_tracker = {name: v for name, v in values.items() if hasattr(preset.tracking, name)}
        rest = {name: v for name, v in values.items() if name not in of_tracker}
        return made._replace(
            network=replace(made.network, **rest), tracking=replace(made.tracking, **of_tracker)
        )


class Table(NamedTuple):
    """Rows: variant, test, title."""

    number: str
    title: str
    rows: tuple[tuple[str, str, str], ...]
    columns: tuple[str, ...] = QUALITY


class Study(NamedTuple):
    """Variants by name, the one that differences are to, and the paper's tables."""

    variants: dict[str, Variant]
    baseline: tuple[str, str]
    tables: tuple[Table, ...]


def _table(number: str, title: str, rows: Mapping[str, str]) -> Table:
    """A table of variants by name, each tested as it was trained."""
    return Table(number, title, tuple((name, WHOLE, text) for name, text in rows.items()))


def _study(parts: list[Variant], baseline: str, tables: list[Table], test: str = WHOLE) -> Study:
    return Study({part.name: part for part in parts}, (baseline, test), tuple(tables))


# How many frames are read: the first; first and last; both and so many spread ones; all.
READINGS = {
    "1 frame": {"memory_score": 2.0},
    "2 frames": {"memory_capacity": 1},
    "4 frames": {"memory_capacity": 512, "memory_segments": 2},
    "6 frames": {"memory_capacity": 512, "memory_segments": 4},
    "8 frames": {"memory_capacity": 512, "memory_segments": 6},
    "all frames": {"memory_capacity": 512, "memory_segments": 512},
}
SIX = "6 frames"

STMTRACK = _study(
    [
        Variant("shared", {"shared": True, "labelled": False}),
        Variant("separate", {"shared": False, "labelled": False}),
        Variant("shared+labels", {"shared": True}),
        Variant("separate+labels", {"shared": False}, tests=READINGS),
    ],
    "separate+labels",
    [
        Table(
            "1 and 2",
            "One backbone or two, label maps or none",
            (
                ("shared", WHOLE, "shared"),
                ("separate", WHOLE, "separate"),
                ("shared+labels", WHOLE, "shared, label maps"),
                ("separate+labels", SIX, "separate, label maps (STMTrack)"),
            ),
        ),
        Table(
            "4",
            "Frames of the memory that are read",
            tuple(("separate+labels", name, name) for name in READINGS),
        ),
    ],
    SIX,
)


_SWITCHES = {"ste": "ste", "sde": "sde", "stif": "interactive"}
STIF = _study(
    [
        Variant(name, {switch: part in name.split("+") for part, switch in _SWITCHES.items()})
        for name in ("baseline", "ste", "sde", "stif", "ste+sde", "ste+sde+stif")
    ],
    "baseline",
    [
        _table(
            "1",
            "Enhancement in time and space, interactive fusion",
            {
                "baseline": "none (STMTrack's reader)",
                "ste": "memory: STE",
                "sde": "query: SDE",
                "stif": "interactive fusion",
                "ste+sde": "STE and SDE",
                "ste+sde+stif": "all (STIF)",
            },
        )
    ],
)

_PLAIN = {"st": False, "da": False}
DASTSIAM = _study(
    [
        Variant("iou", _PLAIN, {"assignment": "iou"}),
        Variant("centre", _PLAIN),
        Variant("st", {"da": False}),
        Variant("da", {"st": False}),
        Variant("st+da"),
    ],
    "centre",
    [
        _table(
            "3",
            "Which anchors are positive (without ST and DA)",
            {
                "iou": "by their IoU with the target (SiamRPN)",
                "centre": "by the distance of the centres",
            },
        ),
        _table(
            "4 and 5",
            "Spatio-temporal fusion, discriminative augmentation",
            {"centre": "neither", "st": "ST", "da": "DA", "st+da": "ST and DA (DASTSiam)"},
        ),
    ],
)


def attention(name: str) -> Variant:
    """DASTM with another mode of the gate: ``hard``, or ``hard@0.5`` with that budget.

    ``hard`` is tested by chance, too. Raises ParameterError.
    """
    gate, at, text = name.partition("@")
    try:
        budget = parse_number(text) if at else 1.0
    except ValueError:
        budget = -1.0
    if gate not in MODES or not 0 < budget <= 1 or (at and gate not in ("hard", "soft")):
        raise ParameterError(
            f"variant {name!r} is none of {', '.join(MODES)}, or hard@B with B from 0 to 1"
        )
    losses = {"gate_budget": BUDGET_WEIGHT, "budget": budget} if at else {}
    tests = {gate: {}} | ({"random": {"gate": "random"}} if name == "hard" else {})
    return Variant(name, {"gate": gate}, losses, tests)


# Rows: variant, test, title.
SINGLE = (
    ("skip", "skip", "none (baseline)"),
    ("se", "se", "SE"),
    ("ca", "ca", "CA"),
    ("cbam", "cbam", "CBAM"),
    ("se+ca", "se+ca", "SE + CA"),
    ("static", "static", "SE + CA + CBAM"),
)
DYNAMIC = (
    ("skip", "skip", "baseline"),
    ("static", "static", "static sum (SASTM)"),
    ("hard", "hard", "dynamic, one branch (DASTM)"),
    ("soft", "soft", "dynamic, weighted sum"),
)
DECISIONS = (
    ("random", "random", "random in training, random in test"),
    ("hard", "random", "gate in training, random in test"),
    ("hard", "hard", "gate in training, gate in test"),
)
COMPARED = ("skip", "se", "ca", "cbam", "se+ca", "static", "random", "soft", "hard", "hard@0.5")


def dastm(names: Iterable[str] = ()) -> Study:
    """DASTM's tables I to IV with these variants, or ``COMPARED``. Raises ParameterError."""
    names = list(names) or COMPARED
    budgets = [
        (name, name.partition("@")[0], f"dynamic, budget {name[5:]} of the dearest branch")
        for name in sorted((name for name in names if "@" in name), reverse=True)
    ]
    quality = QUALITY[:-1]
    limited = ("auc", "difference", "high_computation", *COST, "peak_bytes")
    tables = [
        Table("I", "Attention modules", SINGLE),
        Table("II", "Static and dynamic", DYNAMIC, (*quality, *COST, "fps")),
        Table("III", "Who decides", DECISIONS, quality),
        Table("IV", "Budgets", (*DYNAMIC[:3], *budgets), limited),
    ]
    return _study([attention(name) for name in names], "skip", tables, "skip")


STUDIES = {"stmtrack": STMTRACK, "stif": STIF, "dastsiam": DASTSIAM}


def study_of(architecture: str, names: Iterable[str] = ()) -> Study:
    """The paper's study with these variants, or all. Raises ParameterError for an unknown one."""
    if architecture == "dastm":
        return dastm(names)
    study = STUDIES[architecture]
    if unknown := [name for name in names if name not in study.variants]:
        raise ParameterError(f"variant {unknown[0]!r} is none of {', '.join(study.variants)}")
    return study._replace(variants={name: study.variants[name] for name in names or study.variants})
