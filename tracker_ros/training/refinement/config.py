"""How a refiner is trained."""

from __future__ import annotations

from dataclasses import dataclass

from ..config import Checked, option


@dataclass(frozen=True)
class RefinerConfig(Checked):
    """AdamW with a cosine, on a bank of pairs."""

    pairs: int = option(48_000, "references in the bank, each with three later looks", 1)
    steps: int = option(7000, "updates of the weights", 1)
    batch: int = option(64, "pairs an update", 1)
    rate: float = option(1e-3, "highest learning rate; it falls to 1e-6 as a cosine")
    warmup: int = option(100, "steps in which the rate rises", 1)
    weight_decay: float = option(1e-3, "weight decay")
    clip: float = option(2.0, "largest norm of the gradient; 0: any")
    mirrored: float = option(0.5, "share of mirrored batches", most=1)
    noisy: float = option(0.5, "share of batches with noise on the references", most=1)
    noise: float = option(0.003, "standard deviation of that noise; features are about .1")
    checkpoint_every: int = option(200, "steps between checkpoints", 1)
    log_every: int = option(50, "steps of one line of the log", 1)
    validate_every: int = option(200, "steps between validations", 1)
    workers: int = option(1, "data processes")
    seed: int = option(0, "of everything that chance decides")
    device: str = "cpu"
