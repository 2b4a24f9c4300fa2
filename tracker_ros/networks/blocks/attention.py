"""The attention modules of DASTM: SE, coordinate attention, CBAM.

All map features [B, C, H, W] to features of the same shape.
"""

import torch
from torch import Tensor, nn


class SE(nn.Module):
    """Squeeze-and-excitation (Hu et al., CVPR 2018): bottleneck of ratio 16."""

    def __init__(self, channels: int, reduction: int = 16, bias: bool = False):
        super().__init__()
        middle = max(channels // reduction, 4)
        self.squeeze = nn.Linear(channels, middle, bias)
        self.excite = nn.Linear(middle, channels, bias)

    def forward(self, x: Tensor) -> Tensor:
        weight = self.excite(torch.relu(self.squeeze(x.mean((2, 3)))))
        return x * torch.sigmoid(weight)[:, :, None, None]


class CoordinateAttention(nn.Module):
    """Coordinate attention (Hou et al., CVPR 2021), with max(8, C/32) inner channels."""

    def __init__(self, channels: int, reduction: int = 32):
        super().__init__()
        middle = max(8, channels // reduction)
        self.shared = nn.Sequential(
            nn.Conv2d(channels, middle, 1), nn.BatchNorm2d(middle), nn.Hardswish()
        )
        self.rows = nn.Conv2d(middle, channels, 1)
        self.columns = nn.Conv2d(middle, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        pooled = torch.cat([x.mean(3, keepdim=True), x.mean(2, keepdim=True).transpose(2, 3)], 2)
        rows, columns = self.shared(pooled).split([height, width], 2)
        return (
            x
            * torch.sigmoid(self.rows(rows))
            * torch.sigmoid(self.columns(columns.transpose(2, 3)))
        )


class SpatialAttention(nn.Module):
    """CBAM's second half: k×k convolution over the channels' max and mean; STIF's SDE (eq. 4-7)."""

    def __init__(self, kernel: int = 7):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(2, 1, kernel, padding=kernel // 2, bias=False), nn.BatchNorm2d(1)
        )

    def mask(self, x: Tensor) -> Tensor:
        """[B, C, H, W] → [B, 1, H, W] in [0, 1]."""
        summary = torch.cat([x.amax(1, keepdim=True), x.mean(1, keepdim=True)], 1)
        return torch.sigmoid(self.conv(summary))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.mask(x)


class CBAM(nn.Module):
    """Convolutional block attention (Woo et al., ECCV 2018): channel, then spatial attention."""

    def __init__(self, channels: int, reduction: int = 16):
        super().__init__()
        middle = max(channels // reduction, 4)
        self.mlp = nn.Sequential(
            nn.Linear(channels, middle), nn.ReLU(), nn.Linear(middle, channels)
        )
        self.spatial = SpatialAttention()

    def forward(self, x: Tensor) -> Tensor:
        weight = self.mlp(x.mean((2, 3))) + self.mlp(x.amax((2, 3)))
        return self.spatial(x * torch.sigmoid(weight)[:, :, None, None])
