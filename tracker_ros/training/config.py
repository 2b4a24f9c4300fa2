"""Configuration of a training: values with their meaning and bounds; options are made from it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import Field, dataclass, field, fields
from typing import Any, ClassVar, Protocol

from ..core.errors import ParameterError


def option(
    default: Any, text: str, least: float = 0, most: float = math.inf, choices: tuple[str, ...] = ()
) -> Any:
    """A field with what ``options`` needs to offer it: help, bounds or choices."""
    bounds = {"help": text, "least": least, "most": most, "choices": choices}
    made = {"default_factory": lambda: default} if isinstance(default, dict) else {}
    return field(**(made or {"default": default}), metadata=bounds)


def option_name(config: Checked | type[Checked], part: Field) -> str:
    """``--part-name`` on the command line."""
    return "--" + f"{config.prefix}{part.name}".replace("_", "-")


LARGEST = 2**63 - 1  # of whole numbers: torch takes no larger seed
BATCH = 2**16  # samples of an update; of a larger one not even the first would be seen
WORKERS = 256  # data processes; more than a machine has cores only take its memory
FRAMES = 1024  # of a sample
WEIGHT = 10**6  # of a term or a kind of samples; beside more nothing else counts
MINUTES = 10**7
LEAST_RATE, MOST_RATE, DECAY = 1e-12, 100, 10

# What may change when a run goes on: how long it is, what it tells, what computes it.
FREE = ("steps", "minutes", "checkpoint_every", "log_every", "validate_every", "workers", "device")
FREE += ("held", "keep")  # of a refiner: what it is judged by, what is written of it
MEASURED = "gate_costs"  # of the losses; as long as a branch takes


def lasting(values: dict) -> dict:
    """Of a configuration as a dict, what must stay as it is for a run to be the same."""
    losses = values.get("losses")
    if isinstance(losses, dict):
        values = {**values, "losses": {n: v for n, v in losses.items() if n != MEASURED}}
    return {name: value for name, value in values.items() if name not in FREE}


@dataclass(frozen=True)
class Checked:
    """Looks at every ``option`` when it is made. Raises ParameterError naming it."""

    prefix: ClassVar[str] = ""  # of the options' names

    def __post_init__(self) -> None:
        for part in fields(self):
            value, name = getattr(self, part.name), option_name(self, part)
            bounds = part.metadata
            if not bounds or isinstance(value, bool):
                continue
            if isinstance(value, str):
                if bounds["choices"] and value not in bounds["choices"]:
                    known = ", ".join(bounds["choices"])
                    raise ParameterError(f"{name} is {value!r}, not one of {known}")
                continue
            shares = value if isinstance(value, dict) else {"": value}
            for kind, number in shares.items():
                _check_number(f"{name} {kind}".strip(), number, bounds)

    def idle(self) -> Iterator[tuple[str, str]]:
        """Fields that have no effect beside the values of others, each with the reason."""
        yield from ()


def _check_number(name: str, value: float, bounds: Mapping) -> None:
    most = bounds["most"]
    if isinstance(value, int) and value > LARGEST:
        most = min(most, LARGEST)
    if not (bounds["least"] <= value <= most and value < math.inf):
        reach = "up" if most == math.inf else f"to {most}"
        raise ParameterError(f"{name} is {value}, not a number from {bounds['least']} {reach}")


class Schedule(Protocol):
    """What a ``Course`` asks of the configuration of its training, a dataclass."""

    steps: int
    minutes: float
    batch: int
    clip: float
    checkpoint_every: int
    log_every: int
    validate_every: int
    device: str


@dataclass(frozen=True)
class LossConfig(Checked):
    """Weights of the terms; the first three are STMTrack's."""

    prefix: ClassVar[str] = "loss_"

    classification: float = option(1.0, "weight of the classification", most=WEIGHT)
    centerness: float = option(1.0, "weight of the centre-ness", most=WEIGHT)
    box: float = option(3.0, "weight of the boxes' overlap", most=WEIGHT)
    assignment: str = option(
        "centre",
        "which anchors of DASTSiam are positive: by the distance of the centres, or by iou with the"
        " target, as SiamRPN's",
        choices=("centre", "iou"),
    )
    focal_alpha: float = option(0.75, "weight of positive cells in the focal loss", most=1)
    focal_gamma: float = option(2.0, "exponent of the focal loss", most=100)
    absent_everywhere: bool = option(
        False, "where the target is absent every cell is negative, not only those of the other"
    )
    gate_balance: float = option(
        0.02, "weight of what keeps the gate's branches in use", most=WEIGHT
    )
    gate_budget: float = option(
        0.0, "weight of the attention's cost above --loss-budget", most=WEIGHT
    )
    budget: float = option(
        0.3,
        "what a memorised frame's attention may cost, as a share of the dearest branch",
        1e-6,
        1,
    )
    # Milliseconds of each branch, measured where a run with a budget starts.
    gate_costs: tuple[float, ...] = ()

    def idle(self) -> Iterator[tuple[str, str]]:
        if not self.gate_budget:
            yield "budget", "--loss-gate-budget is 0"


@dataclass(frozen=True)
class SamplingConfig(Checked):
    """Where samples come from, how far apart their frames may lie, what happens to them."""

    weights: dict[str, float] = option(  # noqa: RUF009 (a field with a factory)
        {"davis": 0.2, "video": 0.35, "voc": 0.25, "paste": 0.2},
        "how often each kind of shards, and pasted cut-outs, are drawn",
        most=WEIGHT,
    )
    ratios: dict[str, float] = option(  # noqa: RUF009 (a field with a factory)
        {}, "how often sets NAME:FOLDER that are given without a weight are drawn (1)", most=WEIGHT
    )
    pasted: float = option(0.5, "share of a set with masks that is pasted", most=1)
    memory_frames: int = option(2, "memory frames of a sample", 1, FRAMES)
    query_frames: int = option(1, "query frames of a sample, which follow each other", 1, FRAMES)
    max_gap: int = option(  # 40 frames of the shards
        100, "most frames of the video between memory and query", 1, 10**9
    )
    causal: bool = option(False, "memory frames before the query, the earliest first")
    adjacent: bool = option(False, "the last memory frame follows the one before it")
    negative: float = option(0.12, "share of samples whose query shows another target", most=1)
    kin: float = option(0.6, "share of them in which it is one of the target's class", most=1)
    drift: float = option(
        0.0,
        "share of samples in which only the first memory frame has a box that did not drift",
        most=1,
    )
    zoom: float = option(0.0, "share of samples whose windows are all wider or narrower", most=1)
    parts: float = option(
        0.3,
        "share of still pictures in which any part, of an object or not, is the target",
        most=1,
    )
    crops: str = option(
        "tracked",
        "memory as a tracker crops it, around a box that is a little wrong, queries varied by"
        " --shift and --scale; or as papers print it: uniform (both varied alike, scales from"
        " 1/(1+SCALE) to 1+SCALE), centred (memory exact, queries as in uniform) or normal (memory"
        " exact, queries varied without bounds)",
        choices=("tracked", "uniform", "centred", "normal"),
    )
    mirrored: float = option(0.5, "share of mirrored samples", most=1)
    grey: float = option(0.1, "share of samples without colours", most=1)
    shift: float = option(
        0.9, "largest distance of the target from the query's centre, in √(width·height)", most=100
    )
    scale: float = option(
        0.22, "standard deviation of the log scale of the query's window", most=10
    )
    occluder: float = option(0.2, "share of queries with something before the target", most=1)
    distractor: float = option(0.25, "share of queries with something beside the target", most=1)
    look_alike: float = option(
        0.2, "share with the target's double, or another of its class, beside it", most=1
    )
    rotation: float = option(0.2, "share of queries that are turned", most=1)
    angle: float = option(15.0, "by at most so many degrees", most=180)
    colour: float = option(
        0.6, "how far saturation, contrast and light differ between frames", most=10
    )
    degraded: float = option(0.42, "share of crops with blur, noise or compression", most=1)
    low_light: float = option(0.05, "share of samples in the dark", most=1)
    paste_motion: float = option(
        0.3, "share of pasted clips with a panning camera and motion blur", most=1
    )

    def idle(self) -> Iterator[tuple[str, str]]:
        if not self.negative:
            yield "kin", "--negative is 0"
        if not self.rotation:
            yield "angle", "--rotation is 0"
        if self.crops != "tracked":
            yield from dict.fromkeys(("drift", "zoom"), f"--crops is {self.crops}").items()
        if self.memory_frames == 1:
            yield "adjacent", "--memory-frames is 1"


@dataclass(frozen=True)
class TrainingConfig(Checked):
    """One update after the other. The defaults are for schedules of minutes or hours.

    Shares of the schedule count from its first step or minute; shares of the rate from ``rate``.
    """

    batch: int = option(32, "samples an update, of all processes together", 1, BATCH)
    steps: int = option(10_000, "updates of the weights", 1)
    minutes: float = option(
        0.0,
        "train for so long instead of --steps, and the schedule follows the clock; 0: --steps",
        most=MINUTES,
    )
    optimiser: str = option("adamw", "adamw, or sgd with momentum .9", choices=("adamw", "sgd"))
    rate: float = option(1e-3, "highest learning rate", LEAST_RATE, MOST_RATE)
    backbone_rate: float = option(0.6, "the backbone's rate, as a share of the rate", most=100)
    frozen: float = option(
        0.0, "share of the schedule in which a pre-trained backbone is frozen", most=1
    )
    frozen_part: str = option(
        "all",
        "what is held still of a frozen backbone: all, or its convolutions, while the statistics,"
        " scales and shifts of its normalisations go on",
        choices=("all", "convolutions"),
    )
    frozen_stem: bool = option(False, "the stem of a pre-trained backbone is frozen to the end")
    frozen_norms: bool = option(
        False,
        "keep batch statistics as the start has them: twice as fast on a CPU, for networks that"
        " were trained already",
    )
    warmup: float = option(0.03, "share of the schedule in which the rate rises", most=1)
    warmup_rate: float = option(0.02, "where the warm-up starts, as a share of the rate", most=1)
    schedule: str = option(
        "cosine",
        "how the rate falls afterwards: cosine, log (by the same factor in every step), or step"
        " (at once, at --drop)",
        choices=("cosine", "log", "step"),
    )
    final_rate: float = option(0.02, "rate at the end, as a share of the rate", 1e-9, 1)
    drop: float = option(0.8, "share of the schedule after which a step schedule falls", most=1)
    weight_decay: float = option(1e-4, "weight decay", most=DECAY)
    clip: float = option(5.0, "largest norm of the gradient; 0: any")
    ema: float = option(0.998, "decay of the averaged weights, which are those that ship", most=1)
    precision: str = option(
        "bf16", "bf16, fp16 (with scaled gradients) or fp32", choices=("bf16", "fp16", "fp32")
    )
    checkpoint_every: int = option(200, "steps between checkpoints", 1)
    log_every: int = option(50, "steps of one line of the log", 1)
    validate_every: int = option(1000, "steps between validations", 1)
    workers: int = option(1, "data processes", most=WORKERS)
    seed: int = option(0, "of everything that chance decides")
    device: str = "cpu"
    losses: LossConfig = field(default_factory=LossConfig)
    sampling: SamplingConfig = field(default_factory=SamplingConfig)

    def idle(self) -> Iterator[tuple[str, str]]:
        if self.minutes:
            yield "steps", f"--minutes is {self.minutes:g}"
        if not (self.frozen or self.frozen_stem):
            yield "frozen_part", "--frozen is 0"
        if self.frozen == 1:
            yield "frozen_stem", "--frozen is 1"
        if not self.warmup:
            yield "warmup_rate", "--warmup is 0"
        if self.schedule != "step":
            yield "drop", f"--schedule is {self.schedule}"
