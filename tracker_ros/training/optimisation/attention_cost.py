"""The cost of the dynamic attention on this machine: multiply-adds and milliseconds."""

import time
from statistics import median

import torch
from torch.utils.flop_counter import FlopCounterMode

from ...core.config import TrackingConfig
from ...core.gate import BRANCHES
from ...networks.architectures.dastm import Dastm
from ...networks.step import example_memory

REPEATS = 100
Parts = dict[str, dict[str, float]]


@torch.inference_mode()
def measure_parts(network: Dastm, tracking: TrackingConfig) -> Parts:
    """``macs`` and ``ms`` (median) of each part of memorising one frame, on the network's device.

    The parts are ``features`` (backbone and neck), the attention's branches and ``gate``, its unit.
    They take turns, so that all share the machine's conditions; macs are the multiply-adds of
    convolutions and matrix products.

    Args:
        network: one with a gate, in evaluation mode.
    """
    device = next(network.parameters()).device
    crop, box = (part.to(device) for part in example_memory(tracking.memory_size).values())
    features = network.features(crop, box)
    calls = {"features": (network.features, crop, box), "gate": (network.attention.gate, features)}
    for name, branch in network.attention.branches.items():
        calls[name] = (branch, features)
    macs, times = {}, _milliseconds(calls, device)
    for name, (function, *args) in calls.items():
        with FlopCounterMode(display=False) as counter:
            function(*args)
        macs[name] = counter.get_total_flops() // 2
    return {name: {"macs": macs[name], "ms": times[name]} for name in calls}


def frame_costs(parts: Parts, shares: list[float], gated: bool) -> dict[str, float]:
    """Mean costs of one memorised frame: macs_ and ms_, each of the attention and of all.

    Args:
        shares: how often each branch is computed for a frame. gated: whether a gate decides.
    """
    share = dict(zip(BRANCHES[1:], shares[1:], strict=True)) | {"gate": float(gated)}
    costs = {}
    for kind in ("macs", "ms"):
        attention = sum(part * parts[name][kind] for name, part in share.items())
        costs[f"{kind}_attention"] = attention
        costs[f"{kind}_memory"] = attention + parts["features"][kind]
    return costs


@torch.inference_mode()
def measure_branches(network: Dastm, tracking: TrackingConfig) -> dict[str, float]:
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
    branches = network.attention.branches.items()
    times = _milliseconds({name: (branch, features) for name, branch in branches}, weight.device)
    network.train(mode)
    return {name: times.get(name, 0.0) for name in BRANCHES}


def _milliseconds(calls: dict[str, tuple], device: torch.device) -> dict[str, float]:
    """Median of each call, a function and its arguments; they take turns."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(REPEATS):
        for name, (function, *args) in calls.items():
            start = _now(device)
            function(*args)
            times[name].append(1000 * (_now(device) - start))
    return {name: median(values) for name, values in times.items()}


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
