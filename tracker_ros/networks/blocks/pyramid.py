"""Three levels of features as one map of stride 8, for memory and for queries."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .convolutions import SeparableConv

STRIDE = 8


class PyramidNeck(nn.Module):
    """Three levels to features that are compared with others: [B, channels, S/8, S/8].

    Args:
        levels: channels of the trunk's strides 4, 8 and 16; the first is averaged to stride 8
            (here, or by who needs it so besides) before its 1×1 convolution, which is the same as
            after it and costs a quarter.
        labelled: whether a label map is taken in (the memory branch; STMTrack, eq. 1). The trunk
            has seen no label map before: it is the same for memory and query, and may be frozen.
    """

    def __init__(self, levels: tuple[int, ...], channels: int, labelled: bool):
        super().__init__()
        self.laterals = nn.ModuleList(nn.Conv2d(count, channels, 1) for count in levels)
        self.label = nn.Conv2d(1, channels, 3, padding=1, bias=False) if labelled else None
        self.mix = nn.Sequential(SeparableConv(channels, channels, kernel=5))
        self.out = nn.Conv2d(channels, channels, 1)
        if labelled:
            nn.init.normal_(self.label.weight, std=0.1)

    def forward(self, levels: tuple[Tensor, ...], labels: Tensor | None = None) -> Tensor:
        """``labels``: [B, 1, S, S], 1 inside the target's box; for a labelled neck."""
        fine, middle, coarse = levels
        if fine.shape[-1] > middle.shape[-1]:
            fine = F.avg_pool2d(fine, 2)
        fine, middle, coarse = (
            lateral(level)
            for lateral, level in zip(self.laterals, (fine, middle, coarse), strict=True)
        )
        x = middle + fine
        x = x + F.interpolate(coarse, scale_factor=2.0, mode="nearest")
        if self.label is not None:
            x = x + self.label(F.avg_pool2d(labels, STRIDE))
        return self.out(self.mix(torch.relu(x)))
