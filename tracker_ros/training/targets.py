"""Which cell should say what (STMTrack, sec. 3.4; labels of the reference code)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..networks.head import cell_centres


@dataclass(frozen=True)
class Targets:
    """positive: bool [B, h, w]. ignored: bool [B, h, w]. centerness: float [B, h, w]. boxes: [B, 4] corners."""

    positive: Tensor
    ignored: Tensor
    centerness: Tensor
    boxes: Tensor


def assign(boxes: Tensor, present: Tensor, cells: int, stride: int) -> Targets:
    """Assign cells to truth.

    A cell is positive if its centre lies strictly inside the box. Where the target is not present
    (negative pair) the cells inside the box of the other object are negative, all others ignored.

    Args:
        boxes: float [B, 4], x, y, w, h in crop pixels. present: bool [B].
    """
    centres = cell_centres(cells, stride, boxes.device)
    left, top = boxes[:, 0], boxes[:, 1]
    right, bottom = left + boxes[:, 2], top + boxes[:, 3]
    l, r = centres - left[:, None], right[:, None] - centres  # [B, w]
    t, b = centres - top[:, None], bottom[:, None] - centres  # [B, h]
    inside = ((l > 0) & (r > 0))[:, None, :] & ((t > 0) & (b > 0))[:, :, None]
    across = torch.minimum(l, r) / torch.maximum(l, r).clamp_min(1e-6)
    down = torch.minimum(t, b) / torch.maximum(t, b).clamp_min(1e-6)
    centerness = (across.clamp_min(0)[:, None, :] * down.clamp_min(0)[:, :, None]).sqrt()
    here = present[:, None, None]
    return Targets(
        inside & here,
        ~inside & ~here,
        centerness * inside,
        torch.stack([left, top, right, bottom], 1),
    )
