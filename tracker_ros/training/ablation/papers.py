"""Ablations of the papers other than DASTM's: STMTrack's, STIF's and DASTSiam's tables."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from ...networks.presets import Preset
from ..config import LossConfig

QUALITY = ("auc", "difference", "sr50", "sr75", "precision", "fps")
WHOLE = "as trained"  # the name of a test that changes nothing


@dataclass(frozen=True)
class Part:
    """A network with a part of the paper's changed, and how it is tested.

    Attributes:
        network, losses: values that differ from the plan's.
        readings: tests by name, each of other values of the tracker.
    """

    name: str
    network: Mapping[str, object] = field(default_factory=dict)
    losses: Mapping[str, object] = field(default_factory=dict)
    readings: Mapping[str, Mapping[str, object]] = field(default_factory=lambda: {WHOLE: {}})

    @property
    def tests(self) -> tuple[str, ...]:
        return tuple(self.readings)

    def trained(self, preset: Preset) -> Preset:
        """What is trained."""
        return preset._replace(network=replace(preset.network, **self.network))

    def tested(self, preset: Preset, test: str) -> Preset:
        """What is tested."""
        values = self.readings[test]
        return self.trained(preset)._replace(tracking=replace(preset.tracking, **values))

    def weighed(self, losses: LossConfig) -> LossConfig:
        """How it is trained."""
        return replace(losses, **self.losses)


class Table(NamedTuple):
    """Rows: variant, test, title."""

    number: str
    title: str
    rows: tuple[tuple[str, str, str], ...]
    columns: tuple[str, ...] = QUALITY


class Study(NamedTuple):
    """Variants by name, the one that differences are to, and the paper's tables."""

    variants: dict[str, Part]
    baseline: tuple[str, str]
    tables: tuple[Table, ...]


def _table(number: str, title: str, rows: Mapping[str, str]) -> Table:
    """A table of variants by name, each tested as it was trained."""
    return Table(number, title, tuple((name, WHOLE, text) for name, text in rows.items()))


def _study(parts: list[Part], baseline: str, tables: list[Table], test: str = WHOLE) -> Study:
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
        Part("shared", {"shared": True, "labelled": False}),
        Part("separate", {"shared": False, "labelled": False}),
        Part("shared+labels", {"shared": True}),
        Part("separate+labels", {"shared": False}, readings=READINGS),
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
        Part(name, {switch: part in name.split("+") for part, switch in _SWITCHES.items()})
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
        Part("iou", _PLAIN, {"assignment": "iou"}),
        Part("centre", _PLAIN),
        Part("st", {"da": False}),
        Part("da", {"st": False}),
        Part("st+da"),
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

STUDIES = {"stmtrack": STMTRACK, "stif": STIF, "dastsiam": DASTSIAM}
