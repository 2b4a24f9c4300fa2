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
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        outputs = module(*inputs)
    counts = counter.get_flop_counts()
    place = next(name for name, part in module.named_modules() if part is network)
    prefix = f"{type(module).__name__}.{place}.".replace("..", ".")  # as the counter names parts
    parts: Counter[str] = Counter()
    outer = "-"  # no name begins so
    for name in sorted(counts):
        # Of what lies in each other the outermost: a part may be used without its own ``forward``.
        if name.startswith(prefix) and not name.startswith(outer):
            parts[name.removeprefix(prefix).partition(".")[0]] += sum(counts[name].values()) // 2
            outer = f"{name}."
    of_layers = sum(counts["Global"].get(kind, 0) for kind in LAYERS)
    return Macs(counter.get_total_flops() // 2, of_layers // 2, dict(parts), outputs)
