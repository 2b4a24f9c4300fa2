"""Schedules of the learning rate, as functions of the share that is done."""

import math

from ..config import TrainingConfig


def learning_rate(progress: float, config: TrainingConfig) -> float:
    """Factor on ``config.rate`` at ``progress`` in [0, 1]: linear warm-up, then the schedule."""
    if progress < config.warmup:
        return config.warmup_rate + (1 - config.warmup_rate) * progress / config.warmup
    final = config.final_rate
    if config.schedule == "step":
        return final if progress >= config.drop else 1.0
    done = min((progress - config.warmup) / max(1 - config.warmup, 1e-9), 1.0)
    if config.schedule == "log":
        return final**done
    return final + (1 - final) * 0.5 * (1 + math.cos(math.pi * done))
