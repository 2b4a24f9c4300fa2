"""What the branches of the dynamic attention cost on this machine."""

from __future__ import annotations

import time
from statistics import median

import torch

from ..core.config import TrackingConfig
from ..core.gate import BRANCHES
from ..networks.dastm import Dastm


@torch.inference_mode()
def measure_branches(
    network: Dastm, tracking: TrackingConfig, repeats: int = 100
) -> dict[str, float]:
    """Median milliseconds of each branch for one memorised frame, on the network's device.

    ``skip`` computes nothing: 0. Leaves the network's mode and chance as they are.
    """
    weight = next(network.parameters())
    cells = network.memory_cells(tracking.memory_size)
    features = torch.zeros(
        1, network.config.channels, cells, cells, device=weight.device, dtype=weight.dtype
    ).contiguous(memory_format=torch.channels_last)
    mode = network.training
    network.eval()
    costs = {name: 0.0 for name in BRANCHES}
    for name in network.attention.branches:
        seconds = []
        for _ in range(repeats):
            start = now(weight.device)
            network.attention.branch(name, features)
            seconds.append(now(weight.device) - start)
        costs[name] = 1000 * median(seconds)
    network.train(mode)
    return costs


def now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
