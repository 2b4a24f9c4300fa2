"""What updates the weights, and which of them are held still."""

from __future__ import annotations

import torch
from torch import nn

from ..networks.blocks import RepConv
from ..networks.gate import DynamicAttention
from .config import TrainingConfig
from .schedules import temperature


def backbones(model: nn.Module) -> list[nn.Module]:
    """The parts that a pre-trained backbone is copied into.

    By convention they are named ``…trunk``; a network whose backbone is several parts says it.
    """
    if hasattr(model, "backbones"):
        return model.backbones()
    return [part for name, part in model.named_children() if name.endswith("trunk")]


def make_optimiser(model: nn.Module, config: TrainingConfig) -> torch.optim.Optimizer:
    """Of two groups, the backbones last; ``share`` is a group's share of the learning rate."""
    slow = {id(p) for trunk in backbones(model) for p in trunk.parameters()}
    groups = [
        {"params": [p for p in model.parameters() if id(p) not in slow], "share": 1.0},
        {"params": [p for p in model.parameters() if id(p) in slow], "share": config.backbone_rate},
    ]
    groups = [group for group in groups if group["params"]]
    rates = {"lr": config.rate, "weight_decay": config.weight_decay}
    if config.optimiser == "sgd":
        return torch.optim.SGD(groups, momentum=0.9, **rates)
    return torch.optim.AdamW(groups, **rates)


def prepare(model: nn.Module, frozen: bool, progress: float, config: TrainingConfig) -> None:
    """Put the model in training mode for one step at ``progress`` of the schedule.

    Frozen backbones keep their batch statistics too, and all parts do with ``frozen_norms``. The
    gate has the schedule's temperature.
    """
    model.train()
    for trunk in backbones(model):
        trunk.requires_grad_(not frozen)
        trunk.train(not frozen)
    for part in model.modules():
        if config.frozen_norms and isinstance(part, RepConv | nn.BatchNorm2d):
            part.eval()
        if isinstance(part, DynamicAttention):
            end = model.config.temperature
            part.temperature = temperature(progress, config.temperature_from, end)
