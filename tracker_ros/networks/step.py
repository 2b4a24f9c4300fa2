"""A step: one call that an engine makes, with what is needed to export it."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Step:
    """A pure function of tensors.

    Attributes:
        module: computes the outputs. inputs: an example of each, by name and in call order.
        outputs: their names. dynamic: input name → the axis whose length may differ between calls.
    """

    module: nn.Module
    inputs: dict[str, Tensor]
    outputs: tuple[str, ...]
    dynamic: dict[str, int] = field(default_factory=dict)


class StepModule(nn.Module):
    """The module of a step: ``call`` takes the network, and the step's inputs behind it."""

    def __init__(self, network: nn.Module, call: Callable[..., tuple[Tensor, ...]]):
        super().__init__()
        self.network, self.call = network, call

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        return self.call(self.network, *inputs)


def example_crop(size: int) -> Tensor:
    """A crop of a side of ``size`` pixels: uint8 [1, size, size, 3]."""
    return torch.zeros(1, size, size, 3, dtype=torch.uint8)


def example_memory(size: int) -> dict[str, Tensor]:
    """A memory crop and a box in its middle, float32 [1, 4], for a step's ``inputs``."""
    return {"crop": example_crop(size), "box": torch.tensor([[0.25, 0.25, 0.5, 0.5]]) * size}
