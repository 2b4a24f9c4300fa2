"""Anchor-free head: classification, centre-ness and box for every cell (STMTrack, sec. 3.4)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from .blocks import RepConv, SeparableConv


def cell_centres(cells: int, stride: int, size: int, device: torch.device | None = None) -> Tensor:
    """Centres of a row of cells, symmetric in a crop of ``size`` pixels: float32 [cells], pixels.

    For STMTrack's 25 cells in 289 pixels the first is at 48.5, the middle of pixel 48.
    """
    offsets = torch.arange(cells, device=device, dtype=torch.float32) - (cells - 1) / 2
    return size / 2 + offsets * stride


def tower(inputs: int, channels: int, depth: int, kind: str) -> nn.Sequential:
    """``depth`` layers: ``separable`` blocks or plain 3×3 convolutions (``conv``)."""
    layers: list[nn.Module] = []
    for index in range(depth):
        entering = channels if index else inputs
        if kind == "separable":
            layers.append(SeparableConv(entering, channels, kernel=5))
        else:
            layers += [nn.Conv2d(entering, channels, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*layers)


class Head(nn.Module):
    """Two towers behind a shared reduction.

    Args:
        inputs: channels of the read features. channels, depth, kind: see ``tower``.
        stride: crop pixels for one cell.

    ``forward``: [B, inputs, H, W] and the crop's side in pixels → classification logits
    [B, 1, H, W], centre-ness logits [B, 1, H, W], boxes [B, 4, H, W] as left, top, right, bottom
    in crop pixels.
    """

    def __init__(self, inputs: int, channels: int, depth: int, kind: str, stride: int):
        super().__init__()
        self.stride = stride
        self.reduce = RepConv(inputs, channels, 1)
        self.classify = tower(channels, channels, depth, kind)
        self.regress = tower(channels, channels, depth, kind)
        self.score = nn.Conv2d(channels, 2, 1)
        self.sides = nn.Conv2d(channels, 4, 1)
        self.gain = nn.Parameter(torch.ones(()))
        nn.init.normal_(self.score.weight, std=0.01)
        nn.init.normal_(self.sides.weight, std=0.01)
        # Few cells are positive: start at a foreground probability of 1 % (focal loss, sec. 4.1).
        nn.init.constant_(self.score.bias, -math.log(99))
        nn.init.constant_(self.sides.bias, 1.0)
        with torch.no_grad():
            self.score.bias[1] = 0

    def forward(self, x: Tensor, size: int) -> tuple[Tensor, Tensor, Tensor]:
        x = self.reduce(x)
        logits = self.score(self.classify(x)).float()
        sides = (self.gain * self.sides(self.regress(x)).float()).clamp(max=5).exp() * self.stride
        rows = cell_centres(x.shape[2], self.stride, size, x.device)[None, :, None]
        columns = cell_centres(x.shape[3], self.stride, size, x.device)[None, None, :]
        boxes = torch.stack(
            [columns - sides[:, 0], rows - sides[:, 1], columns + sides[:, 2], rows + sides[:, 3]],
            1,
        )
        return logits[:, :1], logits[:, 1:], boxes
