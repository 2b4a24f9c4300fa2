"""Corner head: two heat maps at a quarter of a cell and their soft arg max (MixViT's pyramid)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .convolutions import conv_bn


def conv(inputs: int, outputs: int) -> nn.Sequential:
    """3×3 convolution, batch normalisation, ReLU: [B, inputs, h, w] → [B, outputs, h, w]."""
    return nn.Sequential(*conv_bn(inputs, outputs, 3), nn.ReLU())


class CornerMap(nn.Module):
    """Heat map of one corner, refined over two doublings: [B, inputs, h, w] → [B, 1, 4h, 4w]."""

    def __init__(self, inputs: int, channels: int):
        super().__init__()
        half, quarter, eighth = channels // 2, channels // 4, channels // 8
        self.coarse = nn.Sequential(conv(inputs, channels), conv(channels, half))
        self.coarse_skip = conv(inputs, half)
        self.middle = conv(half, quarter)
        self.middle_skip = conv(inputs, quarter)
        self.fine = nn.Sequential(conv(quarter, eighth), nn.Conv2d(eighth, 1, 1))
        self.middle_score = nn.Sequential(
            conv(half, quarter), conv(quarter, eighth), conv(eighth, 1)
        )
        self.fine_score = nn.Sequential(conv(quarter, eighth), conv(eighth, 1))

    def forward(self, x: Tensor) -> Tensor:
        # Both scores are taken before a map is doubled and meets its skip.
        coarse = self.coarse(x)
        middle = self.middle(_double(coarse + self.coarse_skip(x)))
        fine = self.fine(_double(middle + _double(self.middle_skip(x))))
        return fine + _double(_double(self.middle_score(coarse)) + self.fine_score(middle))


def _double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0)


class CornerHead(nn.Module):
    """Search features [B, inputs, h, w] → boxes [B, 4] and scores [B].

    Boxes are left, top, right, bottom in [0, 1] of the crop. The score is the larger of the two
    corners' peak probabilities: the head has no confidence of its own.

    Args:
        inputs: channels of the features. channels: of the first convolution.
        place: where in its cell of the heat map a corner lies, in cells: .5 is the middle, 0 the
            cell's left and upper edge, which is MixViT's convention.
    """

    def __init__(self, inputs: int, channels: int, place: float):
        super().__init__()
        self.place = place
        self.corners = nn.ModuleList(CornerMap(inputs, channels) for _ in range(2))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        corners, peaks = [], []
        for corner in self.corners:
            heat = corner(x).float()
            chance = heat.flatten(1).softmax(1).view(heat.shape[0], *heat.shape[2:])
            peaks.append(chance.amax((1, 2)))
            place = (torch.arange(heat.shape[-1], device=x.device) + self.place) / heat.shape[-1]
            corners += [(chance.sum(1) * place).sum(1), (chance.sum(2) * place).sum(1)]
        return torch.stack(corners, 1), torch.maximum(*peaks)
