"""Multiply-accumulates of a network's steps, split by the network's parts."""

from collections import Counter
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

LAYERS = (torch.ops.aten.convolution, torch.ops.aten.addmm, torch.ops.aten.mm)


class Macs(NamedTuple):
    """Multiply-accumulates: half of the FLOPs that torch counts.

    Attributes:
        total: of convolutions and matrix products, those of attention included.
        layers: of convolutions and linear layers alone.
        parts: by the network's direct children; the rest of ``total`` is outside of them.
        outputs: what the module returned.
    """

    total: int
    layers: int
    parts: dict[str, int]
    outputs: tuple[Tensor, ...]


def count(network: nn.Module, module: nn.Module, *inputs: Tensor) -> Macs:
    """Run ``module``, which holds ``network``, and count. Both may be on the meta device."""
    flops: Counter[str] = Counter()
    running: list[tuple[nn.Module, int]] = []  # the part that runs, and the total before it
    hooks = []
    with FlopCounterMode(display=False) as counter, torch.no_grad():

        def enter(part: nn.Module, given) -> None:
            if not running:
                running.append((part, counter.get_total_flops()))

        def leaver(name: str):
            def leave(part: nn.Module, given, made) -> None:
                if running and running[0][0] is part:
                    flops[name] += counter.get_total_flops() - running.pop()[1]

            return leave

        for name, child in network.named_children():
            for part in child.modules():
                hooks.append(part.register_forward_pre_hook(enter))
                hooks.append(part.register_forward_hook(leaver(name)))
        try:
            outputs = module(*inputs)
        finally:
            for hook in hooks:
                hook.remove()
    of_layers = sum(counter.get_flop_counts()["Global"].get(kind, 0) for kind in LAYERS)
    return Macs(
        counter.get_total_flops() // 2,
        of_layers // 2,
        {name: value // 2 for name, value in flops.items()},
        outputs,
    )
