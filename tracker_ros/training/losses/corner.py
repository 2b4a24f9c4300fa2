"""The loss of networks that answer with one box (USTAM, eq. 7 and 8)."""

import torch
from torch import Tensor, nn

from ...core.config import TrackingConfig
from ..config import LossConfig
from ..samples.batches import Batch
from .memory import iou


def giou(boxes: Tensor, truth: Tensor) -> Tensor:
    """Generalised overlap (Rezatofighi et al., CVPR 2019) of corner boxes [..., 4]: (-1, 1]."""
    low = torch.minimum(boxes[..., :2], truth[..., :2])
    high = torch.maximum(boxes[..., 2:], truth[..., 2:])
    hull = (high - low).clamp_min(0).prod(-1).clamp_min(1e-9)
    areas = sum((b[..., 2:] - b[..., :2]).clamp_min(0).prod(-1) for b in (boxes, truth))
    # The union follows from the overlap: iou = both / union, union = areas - both.
    overlap = iou(boxes, truth)
    union = areas / (1 + overlap)
    return overlap - (hull - union) / hull


def corner_loss(
    model: nn.Module, batch: Batch, tracking: TrackingConfig, config: LossConfig
) -> dict[str, Tensor]:
    """L1 + ``config.box`` · (1 - GIoU) of the last query's box, in units of the crop's side.

    Samples whose query shows another target say nothing here: the network always answers with a
    box.
    """
    found = model(batch.memory, batch.memory_boxes, batch.queries).boxes.float()
    x, y, w, h = (batch.query_boxes[:, -1] / tracking.query_size).unbind(1)
    truth = torch.stack([x, y, x + w, y + h], 1)
    share = batch.positive / batch.positive.sum().clamp_min(1)
    distance = ((found - truth).abs().mean(1) * share).sum()
    overlap = ((1 - giou(found, truth)) * share).sum()
    return {
        "total": distance + config.box * overlap,
        "l1": distance,
        "giou": overlap,
        "overlap": (iou(found.detach(), truth) * share).sum(),
    }
