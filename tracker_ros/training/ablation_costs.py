"""What it costs to memorise a frame: parameters, multiply-adds, milliseconds."""

from __future__ import annotations

from statistics import median

import torch
from torch.utils.flop_counter import FlopCounterMode

from ..core.config import TrackingConfig
from ..core.gate import BRANCHES
from ..networks.dastm import Dastm
from .costs import now

REPEATS = 60


@torch.inference_mode()
def measure(network: Dastm, tracking: TrackingConfig, shares: list[float]) -> dict[str, float]:
    """Costs of one memorised frame on the network's device, with one thread as with many.

    Args:
        network: in evaluation mode. shares: how often each branch is computed for a frame.
    Returns:
        parameters; macs_attention and macs_memory (attention and all; multiply-adds of
        convolutions and matrix products); ms_attention and ms_memory (medians). The gate's own
        unit belongs to the attention.
    """
    device = next(network.parameters()).device
    side = tracking.memory_size
    crop = torch.zeros(1, side, side, 3, dtype=torch.uint8, device=device)
    box = torch.tensor([[0.25, 0.25, 0.5, 0.5]], device=device) * side
    features = network.features(crop, box)
    macs, ms = {}, {}
    parts = {
        name: (network.attention.branch, name, features) for name in network.attention.branches
    }
    if network.attention.gate is not None:
        parts["gate"] = (network.attention.gate, features)
    parts["features"] = (network.features, crop, box)
    for name, call in parts.items():
        macs[name], ms[name] = _macs(*call), _milliseconds(device, *call)
    share = dict(zip(BRANCHES, shares, strict=True)) | {"gate": 1.0}

    def attention(costs: dict[str, float]) -> float:
        return sum(share[name] * cost for name, cost in costs.items() if name != "features")

    return {
        "parameters": sum(p.numel() for p in network.parameters()),
        "macs_attention": attention(macs),
        "macs_memory": attention(macs) + macs["features"],
        "ms_attention": attention(ms),
        "ms_memory": attention(ms) + ms["features"],
    }


def _macs(function, *args) -> int:
    with FlopCounterMode(display=False) as counter:
        function(*args)
    return counter.get_total_flops() // 2


def _milliseconds(device: torch.device, function, *args) -> float:
    times = []
    for _ in range(REPEATS):
        start = now(device)
        function(*args)
        times.append(1000 * (now(device) - start))
    return median(times)
