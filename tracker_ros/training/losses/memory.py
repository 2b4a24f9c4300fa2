"""Focal classification, centre-ness, IoU and gate losses."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...core.config import TrackingConfig
from ...core.gate import BRANCHES
from ..config import LossConfig
from ..ranks import shared_count, shared_mean
from ..samples.batches import Batch
from .targets import CellTargets, assign


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


def gate_balance(shares: Tensor) -> Tensor:
    """log 4 minus the entropy of the branches' mean shares [4]; 0 if all weigh alike."""
    return (shares * (shares.clamp_min(1e-6) * len(shares)).log()).sum()


def gate_budget(shares: Tensor, costs: Tensor, budget: float) -> Tensor:
    """max(0, E[cost] − B)/B, with E[cost] = Σ share·cost and B = ``budget`` times the dearest.

    Args:
        shares: [4], sum 1. costs: milliseconds of each branch [4], see ``costs``.
    """
    allowed = budget * costs.max()
    return ((shares * costs).sum() - allowed).clamp_min(0) / allowed


def gate_terms(gate: Tensor, config: LossConfig) -> dict[str, Tensor]:
    """``gate`` (what is added to the loss) and ``gate_skip`` … ``gate_cbam`` (mean shares).

    Args:
        gate: gate weights [..., 4]. A gate that does not learn (static, random) adds nothing.
    """
    shares = shared_mean(gate.flatten(0, -2).mean(0))
    named = {f"gate_{name}": share for name, share in zip(BRANCHES, shares, strict=True)}
    if not gate.requires_grad:
        return named
    balance = gate_balance(shares)
    named |= {"balance": balance, "gate": config.gate_balance * balance}
    if config.gate_budget:
        costs = torch.tensor(config.gate_costs, device=gate.device)
        named["over_budget"] = gate_budget(shares, costs, config.budget)
        named["gate"] = named["gate"] + config.gate_budget * named["over_budget"]
    return named


def tracking_loss(
    logits: Tensor, centerness: Tensor, boxes: Tensor, targets: CellTargets, config: LossConfig
) -> dict[str, Tensor]:
    """The three terms, each divided by the number of positive cells, and their weighted ``total``.

    The number is that of all processes together, so that they learn what one would of the whole
    batch.

    Args: maps as ``Head.forward`` returns them; targets of the same grid. ``overlap`` (mean IoU of
    the positive cells) is for the log.
    """
    count = shared_count(targets.positive)
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
    terms = {"classification": classification, "centerness": center, "box": box}
    total = sum(getattr(config, name) * term for name, term in terms.items())
    return {"total": total, **terms, "overlap": overlap.sum() / count}


def memory_loss(
    model: nn.Module, batch: Batch, tracking: TrackingConfig, config: LossConfig
) -> dict[str, Tensor]:
    """The loss of the memory networks (STMTrack, DASTM, STIF), which answer with ``Maps``."""
    maps = model(batch.memory, batch.memory_boxes, batch.queries.flatten(0, 1))
    targets = assign(
        batch.query_boxes.flatten(0, 1),
        batch.positive.repeat_interleave(batch.queries.shape[1]),
        maps.logits.shape[-1],
        tracking.stride,
        tracking.query_size,
        config.absent_everywhere,
    )
    terms = tracking_loss(
        maps.logits.float(), maps.centerness.float(), maps.boxes.float(), targets, config
    )
    if maps.gate is not None:
        terms |= gate_terms(maps.gate.float(), config)
        terms["total"] = terms["total"] + terms.pop("gate", 0.0)
    return terms
