"""How a refiner is trained."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..config import (
    BATCH,
    DECAY,
    FRAMES,
    LEAST_RATE,
    MINUTES,
    MOST_RATE,
    WEIGHT,
    WORKERS,
    Checked,
    option,
)


@dataclass(frozen=True)
class RefinerConfig(Checked):
    """AdamW with a cosine, on samples that are drawn for each step anew."""

    steps: int = option(4000, "updates of the weights", 1)
    minutes: float = option(0, "train for so long instead; 0: --steps", most=MINUTES)
    batch: int = option(64, "first looks an update, each with four later ones", 1, BATCH)
    rate: float = option(
        1e-3, "highest learning rate; it falls to 1e-6 as a cosine", LEAST_RATE, MOST_RATE
    )
    warmup: int = option(100, "steps in which the rate rises", 1)
    weight_decay: float = option(1e-3, "weight decay", most=DECAY)
    clip: float = option(2.0, "largest norm of the gradient; 0: any")
    places: int = option(
        1, "places near the target, and rivals, an update in each later look", 1, FRAMES
    )
    present: float = option(1.0, "weight of the loss of whether the target is there", most=WEIGHT)
    start: bool = option(False, "go on from the model's own refiner, not from random weights")
    keep: float = option(0, "share of that one in the mean of both that is written", 0, 1)
    noise: float = option(
        0.003,
        "standard deviation of noise on half of the references; features are about .1",
        most=10,
    )
    held: int = option(300, "samples of held-out clips that validation takes", 1, BATCH)
    checkpoint_every: int = option(200, "steps between checkpoints", 1)
    log_every: int = option(50, "steps of one line of the log", 1)
    validate_every: int = option(200, "steps between validations", 1)
    workers: int = option(1, "data processes", most=WORKERS)
    seed: int = option(0, "of everything that chance decides")
    device: str = "cpu"

    def idle(self) -> Iterator[tuple[str, str]]:
        if self.minutes:
            yield "steps", f"--minutes is {self.minutes:g}"
        if not self.start:
            yield "keep", "--start is missing: there is nothing to keep"
