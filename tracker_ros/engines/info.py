"""What a model is, in numbers."""

from __future__ import annotations

from pathlib import Path

from .weights import STEPS, find_model


def describe(model: str | Path) -> dict:
    """Facts of a model: architecture, sizes, parameters, MACs of each step, training.

    MACs count multiply-accumulates of convolutions and matrix products (half of torch's FLOPs),
    ``locate`` with three memorised frames. Raises ModelError if the model cannot be used.
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from ..core.config import TrackingConfig
    from ..networks.blocks import fuse
    from ..networks.build import steps
    from .store import load_network

    files = find_model(model)
    network, facts = load_network(files.weights)
    tracking = TrackingConfig.from_dict(facts["tracking"])
    trained = sum(value.numel() for value in network.parameters())
    fuse(network)
    macs, results = {}, {}
    for name, step in steps(network, tracking).items():
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            results[name] = step.module.eval()(*step.inputs.values())
        macs[name] = counter.get_total_flops() // 2
    return {
        "model": files.name,
        "architecture": facts["architecture"],
        "parameters": {
            "training": trained,
            "inference": sum(value.numel() for value in network.parameters()),
        },
        "macs": macs,
        "map": "x".join(str(side) for side in results["locate"][0].shape[1:]),
        "bytes_per_memorised_frame": results["remember"][0].nbytes,
        "network": facts["network"],
        "tracking": facts["tracking"],
        "training": facts["training"],
        "files": [
            str(path) for path in (files.weights, *map(files.graph, STEPS)) if path.is_file()
        ],
    }
