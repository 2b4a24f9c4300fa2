"""The optimiser, its parameter groups and learning rate, and the weights that are frozen."""

import math

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from ...networks.blocks.convolutions import RepConv
from ..config import TrainingConfig


def backbones(model: nn.Module) -> list[nn.Module]:
    """The parts that a pre-trained backbone is copied into.

    By convention they are named ``…trunk``; a network whose backbone is several parts says it.
    """
    if hasattr(model, "backbones"):
        return model.backbones()
    return [part for name, part in model.named_children() if name.endswith("trunk")]


def backbone_tensors(model: nn.Module) -> set[str]:
    """The names in ``model`` of its backbones' tensors."""
    parts = [trunk.state_dict(keep_vars=True).values() for trunk in backbones(model)]
    own = {id(tensor) for part in parts for tensor in part}
    return {name for name, t in model.state_dict(keep_vars=True).items() if id(t) in own}


def stem(trunk: nn.Module) -> list[nn.Module]:
    """What a backbone begins with, before its stages."""
    return [
        *(part for name, part in trunk.named_children() if name == "stem"),
        *getattr(trunk, "rest_of_stem", []),
    ]


def synchronised(model: nn.Module, processes: int, device: torch.device) -> nn.Module:
    """The model with batch statistics of all GPUs together, where there are several.

    In training alone: in evaluation nothing differs. torch has it for GPUs only.
    """
    if processes > 1 and device.type == "cuda":
        return nn.SyncBatchNorm.convert_sync_batchnorm(model)
    return model


def make_optimiser(model: nn.Module, config: TrainingConfig) -> torch.optim.Optimizer:
    """Two parameter groups, the backbones second; ``share``: each group's of the learning rate."""
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


def hold(trunk: nn.Module, part: str) -> None:
    """Hold a backbone still: ``all`` of it, batch statistics too, or its ``convolutions``."""
    if part == "all":
        trunk.requires_grad_(False).eval()
        return
    for layer in trunk.modules():
        if isinstance(layer, nn.Conv2d):
            layer.requires_grad_(False)


def prepare(model: nn.Module, pretrained: bool, progress: float, config: TrainingConfig) -> None:
    """Put the model in training mode for one step at ``progress`` of the schedule.

    A backbone that was not pre-trained would stay noise, and is not frozen. All parts keep their
    batch statistics with ``frozen_norms``.
    """
    model.train()
    for trunk in backbones(model):
        trunk.requires_grad_(True)
        if pretrained and progress < config.frozen:
            hold(trunk, config.frozen_part)
        elif pretrained and config.frozen_stem:
            for layer in stem(trunk):
                hold(layer, config.frozen_part)
    for part in model.modules():
        if config.frozen_norms and isinstance(part, RepConv | _BatchNorm):
            part.eval()
