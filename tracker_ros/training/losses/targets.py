"""Training targets for every cell (STMTrack, sec. 3.4; labels of the reference code)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ...networks.blocks.head import cell_centres


@dataclass(frozen=True)
class CellTargets:
    """What each cell should say.

    Attributes:
        positive, ignored: bool [B, h, w]. centerness: float [B, h, w].
        boxes: float [B, 4], left, top, right, bottom in crop pixels.
    """

    positive: Tensor
    ignored: Tensor
    centerness: Tensor
    boxes: Tensor


def assign(
    boxes: Tensor,
    present: Tensor,
    cells: int,
    stride: int,
    size: int,
    everywhere: bool = False,
) -> CellTargets:
    """Assign cells to truth.

    A cell is positive if its centre lies strictly inside the box. Where the target is not present
    (negative pair) the cells inside the box of the other object are negative, all others ignored.

    Args:
        boxes: float [B, 4], x, y, w, h in crop pixels. present: bool [B].
        cells, stride, size: of the map and the crop, see ``cell_centres``.
        everywhere: where the target is not present, all cells are negative.
    """
    centres = cell_centres(cells, stride, size, boxes.device)
    left, top = boxes[:, 0], boxes[:, 1]
    right, bottom = left + boxes[:, 2], top + boxes[:, 3]
    across_in, across = _inside_and_balance(centres, left, right)  # [B, w]
    down_in, down = _inside_and_balance(centres, top, bottom)  # [B, h]
    inside = across_in[:, None, :] & down_in[:, :, None]
    centerness = (across[:, None, :] * down[:, :, None]).sqrt()
    here = present[:, None, None]
    return CellTargets(
        inside & here,
        ~inside & ~here & (not everywhere),
        centerness * inside,
        torch.stack([left, top, right, bottom], 1),
    )


def _inside_and_balance(centres: Tensor, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    """Along one side: is a centre between the edges; nearer over farther edge, in [0, 1]."""
    before, after = centres - low[:, None], high[:, None] - centres
    near, far = torch.minimum(before, after), torch.maximum(before, after)
    return near > 0, near.clamp_min(0) / far.clamp_min(1e-6)
