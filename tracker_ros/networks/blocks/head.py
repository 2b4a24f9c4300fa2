"""Anchor-free head: classification, centre-ness and box for every cell (STMTrack, sec. 3.4)."""

import math

import torch
from torch import Tensor, nn

from .convolutions import RepConv, SeparableConv


def cell_centres(cells: int, stride: int, size: int, device: torch.device | None = None) -> Tensor:
    """Centres of a row of cells, symmetric in a crop of ``size`` pixels: float32 [cells], pixels.

    For STMTrack's 25 cells in 289 pixels the first is at 48.5, the middle of pixel 48.
    """
    offsets = torch.arange(cells, device=device, dtype=torch.float32) - (cells - 1) / 2
    return size / 2 + offsets * stride


def to_boxes(sides: Tensor, stride: int, size: int) -> Tensor:
    """Logarithms of each cell's distances to the box's four sides, in cells, to boxes.

    [B, 4, H, W] → [B, 4, H, W], left, top, right, bottom in pixels of a crop of side ``size``.
    Sides end at e⁵ = 148 cells, so that they stay finite whatever the weights.
    """
    sides = sides.float().clamp(max=5).exp() * stride
    rows = cell_centres(sides.shape[2], stride, size, sides.device)[None, :, None]
    columns = cell_centres(sides.shape[3], stride, size, sides.device)[None, None, :]
    shape = sides.shape[2:]
    centres = torch.stack([columns.expand(1, *shape), rows.expand(1, *shape)] * 2, 1)
    outwards = torch.arange(4, device=sides.device) // 2 * 2 - 1  # -1, -1, 1, 1
    return centres + outwards[:, None, None] * sides


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
        for layer in (*self.classify, *self.regress):
            # Nothing normalises between plain convolutions: with torch's own initialisation a
            # seventh layer would get a thousandth of what went into the first.
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)
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
        boxes = to_boxes(self.gain * self.sides(self.regress(x)).float(), self.stride, size)
        return logits[:, :1], logits[:, 1:], boxes


class PlainHead(nn.Module):
    """STMTrack's head as its reference code has it: towers straight on the read features.

    No activation after a tower's last layer, no normalisation before its outputs, which are 1×1
    convolutions with batch normalisation. All weights start at a standard deviation of 1e-4: at
    first little but biases comes out. Arguments and ``forward`` as ``Head``.
    """

    def __init__(self, inputs: int, channels: int, depth: int, stride: int):
        super().__init__()
        self.stride = stride
        self.classify = tower(inputs, channels, depth, "conv")[:-1]
        self.regress = tower(inputs, channels, depth, "conv")[:-1]
        self.foreground, self.centerness, self.sides = (
            nn.Sequential(nn.Conv2d(channels, outputs, 1), nn.BatchNorm2d(outputs))
            for outputs in (1, 1, 4)
        )
        self.gain, self.shift = nn.Parameter(torch.ones(())), nn.Parameter(torch.zeros(()))
        for part in self.modules():
            if isinstance(part, nn.Conv2d):
                nn.init.normal_(part.weight, std=1e-4)
        nn.init.constant_(self.foreground[0].bias, -math.log(99))

    def forward(self, x: Tensor, size: int) -> tuple[Tensor, Tensor, Tensor]:
        classified = self.classify(x)
        sides = self.gain * self.sides(self.regress(x)).float() + self.shift
        return (
            self.foreground(classified).float(),
            self.centerness(classified).float(),
            to_boxes(sides, self.stride, size),
        )


def make_head(inputs: int, config, stride: int) -> nn.Module:
    """The head that ``config.head_…`` describes, see ``StmtrackConfig``.

    Its kind is ``plain`` (STMTrack's), or ``separable`` or ``conv`` (see ``Head``); raises
    ValueError for another.
    """
    channels, depth, kind = config.head_channels, config.head_depth, config.head_kind
    if kind == "plain":
        return PlainHead(inputs, channels, depth, stride)
    if kind not in ("separable", "conv"):
        raise ValueError(f"head_kind is {kind!r}, not plain, separable or conv")
    return Head(inputs, channels, depth, kind, stride)
