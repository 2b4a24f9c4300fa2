"""Focal classification, centre-ness, IoU and gate losses."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from .targets import Targets


@dataclass(frozen=True)
class LossConfig:
    """Weights of the terms; the first three are STMTrack's."""

    classification: float = 1.0
    centerness: float = 1.0
    box: float = 3.0
    gate_balance: float = 0.02
    focal_alpha: float = 0.75
    focal_gamma: float = 2.0


def focal(logits: Tensor, positive: Tensor, alpha: float, gamma: float) -> Tensor:
    """Focal loss (Lin et al., ICCV 2017, eq. 5) of every cell; same shape as ``logits``."""
    truth = positive.to(logits.dtype)
    cross = F.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    probability = torch.sigmoid(logits)
    wrong = torch.where(positive, 1 - probability, probability)
    weight = torch.where(positive, alpha, 1 - alpha)
    return weight * wrong.pow(gamma) * cross


def iou(boxes: Tensor, truth: Tensor) -> Tensor:
    """Overlap of corner boxes [..., 4] with corner boxes [..., 4]."""
    low = torch.maximum(boxes[..., :2], truth[..., :2])
    high = torch.minimum(boxes[..., 2:], truth[..., 2:])
    both = (high - low).clamp_min(0).prod(-1)
    areas = (boxes[..., 2:] - boxes[..., :2]).prod(-1) + (truth[..., 2:] - truth[..., :2]).prod(-1)
    return both / (areas - both).clamp_min(1e-6)


def gate_balance(weights: Tensor) -> Tensor:
    """log 4 minus the entropy of the mean gate weights [..., 4]; 0 if all branches weigh alike."""
    mean = weights.flatten(0, -2).mean(0)
    return (mean * (mean.clamp_min(1e-6) * weights.shape[-1]).log()).sum()


def tracking_loss(
    logits: Tensor, centerness: Tensor, boxes: Tensor, targets: Targets, config: LossConfig
) -> dict[str, Tensor]:
    """The three terms, each divided by the number of positive cells, and their weighted ``total``.

    Args: maps as ``Head.forward`` returns them; targets of the same grid. ``overlap`` (mean IoU of
    the positive cells) is for the log.
    """
    count = targets.positive.sum().clamp_min(1)
    cells = focal(logits[:, 0], targets.positive, config.focal_alpha, config.focal_gamma)
    classification = (cells * ~targets.ignored).sum() / count
    wanted = targets.centerness[targets.positive]
    center = (
        F.binary_cross_entropy_with_logits(
            centerness[:, 0][targets.positive], wanted, reduction="sum"
        )
        / count
    )
    predicted = boxes.permute(0, 2, 3, 1)[targets.positive]
    truth = targets.boxes[:, None, None, :].expand(*targets.positive.shape, 4)[targets.positive]
    overlap = iou(predicted, truth)
    box = -overlap.clamp_min(1e-4).log().sum() / count
    total = config.classification * classification + config.centerness * center + config.box * box
    return {
        "total": total,
        "classification": classification,
        "centerness": center,
        "box": box,
        "overlap": overlap.mean() if len(overlap) else overlap.sum(),
    }
