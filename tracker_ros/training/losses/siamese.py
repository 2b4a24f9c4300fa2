"""Labels by centre distance and the losses of DASTSiam (eq. 6 and 7) and SiamFC."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...core.config import TrackingConfig
from ...networks.architectures.dastsiam import anchor_boxes
from ...networks.blocks.head import cell_centres
from ..config import LossConfig
from ..ranks import shared_count
from ..samples.batches import Batch
from .memory import iou

SURE, OUTSIDE = 0.6, 0.3  # SiamRPN's bounds of an anchor's IoU with the target
REACH = 4.0  # squared cells: at stride 8 the 16 pixels within which SiamFC, too, sees its target


def near_centre(boxes: Tensor, present: Tensor, cells: int, stride: int, size: int) -> Tensor:
    """Which cells are positive: bool [B, cells, cells] (eq. 6).

    Those whose squared distance from the box's centre is at most ``REACH``; none where the target
    is not present. The paper divides the sum of the box's edges by its size, which is no centre:
    read as a division by 2.

    Args:
        boxes: float [B, 4], x, y, w, h in crop pixels. present: bool [B].
        cells, stride, size: of the map and the crop, see ``cell_centres``.
    """
    middle = (boxes[:, :2] + boxes[:, 2:] / 2)[..., None]
    away = (cell_centres(cells, stride, size, boxes.device) - middle) / stride  # [B, 2, cells]
    distance = away[:, 0, None, :] ** 2 + away[:, 1, :, None] ** 2
    return (distance <= REACH) & present[:, None, None]


def by_overlap(
    boxes: Tensor, present: Tensor, cells: int, anchor: float, stride: int, size: int
) -> tuple[Tensor, Tensor]:
    """Positive and negative cells by the IoU of their anchors, bool [B, cells, cells] each.

    SiamRPN's (Li et al., CVPR 2018): positive above ``SURE``, negative below ``OUTSIDE``, all
    others count for nothing; where the target is not present, all are negative.
    """
    deltas = boxes.new_zeros(len(boxes), 4, cells, cells)
    anchors = anchor_boxes(deltas, anchor, stride, size).permute(0, 2, 3, 1)
    overlap = iou(anchors, _corners(boxes))
    there = present[:, None, None]
    return (overlap > SURE) & there, (overlap < OUTSIDE) | ~there


def _corners(boxes: Tensor) -> Tensor:
    """x, y, w, h [B, 4] → left, top, right, bottom [B, 1, 1, 4], for every cell."""
    return torch.cat([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], 1)[:, None, None]


def anchor_deltas(boxes: Tensor, cells: int, anchor: float, stride: int, size: int) -> Tensor:
    """Inverse of ``anchor_boxes``: boxes [B, 4], x, y, w, h, pixels → [B, 4, cells, cells]."""
    middle = (boxes[:, :2] + boxes[:, 2:] / 2)[..., None]
    away = (middle - cell_centres(cells, stride, size, boxes.device)) / anchor
    sides = (boxes[:, 2:] / anchor).log()[..., None, None].expand(-1, -1, cells, cells)
    dx, dy = away[:, 0, None, :], away[:, 1, :, None]
    return torch.cat([torch.stack(torch.broadcast_tensors(dx, dy), 1), sides], 1)


def balanced(losses: Tensor, positive: Tensor, negative: Tensor | None = None) -> Tensor:
    """Mean of the positive cells' mean and the negative cells' mean, over all processes.

    ``negative``: all others unless given.
    """
    negative = ~positive if negative is None else negative
    halves = [losses[chosen].sum() / shared_count(chosen) for chosen in (positive, negative)]
    return (halves[0] + halves[1]) / 2


def rpn_loss(
    model: nn.Module, batch: Batch, tracking: TrackingConfig, config: LossConfig
) -> dict[str, Tensor]:
    """DASTSiam's loss (eq. 7): cross-entropy, BCE, smooth-L1 of the positive cells' deltas.

    ``config.classification`` is the weight of the first (λ·λ1), ``config.centerness`` that of the
    second (λ1), ``config.box`` that of the third. ``overlap`` is for the log.
    """
    maps = model(batch.memory, batch.memory_boxes, batch.queries[:, 0])
    boxes, cells, anchor = batch.query_boxes[:, 0], maps.logits.shape[-1], model.config.anchor
    geometry = tracking.stride, tracking.query_size
    positive = near_centre(boxes, batch.positive, cells, *geometry)
    negative = ~positive
    if config.assignment == "iou":
        positive, negative = by_overlap(boxes, batch.positive, cells, anchor, *geometry)
    cross = F.cross_entropy(maps.logits.float(), positive.long(), reduction="none")
    binary = F.binary_cross_entropy_with_logits(
        maps.confidence[:, 0].float(), positive.float(), reduction="none"
    )
    deltas, wanted = maps.deltas.float(), anchor_deltas(boxes, cells, anchor, *geometry)
    count = shared_count(positive)
    box = F.smooth_l1_loss(deltas, wanted, reduction="none").sum(1)[positive].sum() / count
    predicted = anchor_boxes(deltas.detach(), anchor, *geometry).permute(0, 2, 3, 1)
    overlap = iou(predicted, _corners(boxes))[positive].sum() / count
    classification, confidence = (
        balanced(losses, positive, negative) for losses in (cross, binary)
    )
    total = (
        config.classification * classification + config.centerness * confidence + config.box * box
    )
    return {
        "total": total,
        "classification": classification,
        "confidence": confidence,
        "box": box,
        "overlap": overlap,
    }


def response_loss(
    model: nn.Module, batch: Batch, tracking: TrackingConfig, config: LossConfig
) -> dict[str, Tensor]:
    """SiamFC's logistic loss, of which positive and negative cells have a half each (eq. 2-4)."""
    logits = model(batch.memory, batch.memory_boxes, batch.queries[:, 0])[:, 0].float()
    geometry = logits.shape[-1], tracking.stride, tracking.query_size
    positive = near_centre(batch.query_boxes[:, 0], batch.positive, *geometry)
    losses = F.binary_cross_entropy_with_logits(logits, positive.float(), reduction="none")
    classification = balanced(losses, positive)
    return {
        "total": config.classification * classification,
        "classification": classification,
    }
