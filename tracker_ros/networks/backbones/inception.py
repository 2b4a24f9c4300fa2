"""Inception-v3 up to Mixed_6e at stride 8, the "GoogLeNet" of STMTrack and STIF.

Szegedy et al., "Rethinking the Inception architecture for computer vision", CVPR 2016, with what
STMTrack's reference code changes: no second max-pooling, no padding in the stem and in Mixed_6a,
and four cells cut off each side of the map. timm and torchvision ship the network, but neither
imports beside the CPU build of torch.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

CROP = 4  # cells cut off each side: they see what the paddings before them made up


class ConvBnRelu(nn.Sequential):
    """Convolution without bias, batch normalisation (eps 1e-3), ReLU."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int | tuple[int, int],
        padding: int | tuple[int, int] = 0,
        stride: int = 1,
    ):
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False),
            nn.BatchNorm2d(outputs, eps=1e-3),
            nn.ReLU(inplace=True),
        )


class Branches(nn.Module):
    """Branches side by side; their maps are concatenated.

    ``pooled`` follows a 3×3 average of stride 1. Where it is None, the branches have stride 2 and
    the input itself, max-pooled to their size, is the last part.
    """

    def __init__(self, branches: list[nn.Module], pooled: nn.Module | None = None):
        super().__init__()
        self.branches, self.pooled = nn.ModuleList(branches), pooled

    def forward(self, x: Tensor) -> Tensor:
        parts = [branch(x) for branch in self.branches]
        if self.pooled is None:
            parts.append(F.max_pool2d(x, 3, 2))
        else:
            parts.append(self.pooled(F.avg_pool2d(x, 3, 1, 1)))
        return torch.cat(parts, 1)


class InceptionV3(nn.Module):
    """The trunk.

    Args:
        width: factor on all channels, which are rounded to multiples of 8 then; 1 is the paper's.

    ``forward(x, extra)``: [B, 3, S, S] normalised image → [B, 768·width, cells(S), cells(S)];
    289 pixels give 25 cells. ``extra`` ([B, 32·width, (S-1)//2, (S-1)//2] or None) is added behind
    the first convolution's ReLU: the memory branch's embedded label map (STMTrack, eq. 1).
    """

    stride = 8
    stem_padding = 0

    def __init__(self, width: float = 1.0):
        super().__init__()

        def wide(channels: int) -> int:
            return max(round(channels * width / 8) * 8, 8)

        self.stem_channels = wide(32)
        self.stem = ConvBnRelu(3, wide(32), 3, stride=2)
        self.body = nn.Sequential(
            ConvBnRelu(wide(32), wide(32), 3),
            ConvBnRelu(wide(32), wide(64), 3, padding=1),
            nn.MaxPool2d(3, 2),
            ConvBnRelu(wide(64), wide(80), 1),
            ConvBnRelu(wide(80), wide(192), 3),
        )
        self.channels = wide(192)
        for pooled in (32, 64, 64):  # Mixed_5b to 5d
            self._add(_fives(self.channels, wide, pooled))
        self._add(_reduction(self.channels, wide))  # Mixed_6a
        for middle in (128, 160, 160, 192):  # Mixed_6b to 6e
            self._add(_sevens(self.channels, wide, middle))

    @property
    def rest_of_stem(self) -> nn.Sequential:
        """What follows the first convolution, up to the mixed blocks."""
        return self.body[:5]

    def _add(self, made: tuple[Branches, int]) -> None:
        block, self.channels = made
        self.body.append(block)

    def forward(self, x: Tensor, extra: Tensor | None = None) -> Tensor:
        x = self.stem(x)
        if extra is not None:
            x = x + extra
        return self.body(x)[:, :, CROP:-CROP, CROP:-CROP]

    @staticmethod
    def cells(size: int) -> int:
        """Cells along a side of the map for ``size`` input pixels."""
        stem = (size - 3) // 2 + 1 - 2
        pooled = (stem - 3) // 2 + 1 - 2
        return (pooled - 3) // 2 + 1 - 2 * CROP


def _chain(inputs: int, *layers: tuple) -> nn.Module:
    """Convolutions one behind the other: channels, kernel, padding (0), stride (1) of each."""
    made = []
    for channels, kernel, *rest in layers:
        made.append(ConvBnRelu(inputs, channels, kernel, *rest))
        inputs = channels
    return made[0] if len(made) == 1 else nn.Sequential(*made)


def _fives(inputs: int, wide, pooled: int) -> tuple[Branches, int]:
    """Mixed_5b, 5c, 5d: 1×1, 5×5, twice 3×3, pooling (fig. 5)."""
    branches = [
        _chain(inputs, (wide(64), 1)),
        _chain(inputs, (wide(48), 1), (wide(64), 5, 2)),
        _chain(inputs, (wide(64), 1), (wide(96), 3, 1), (wide(96), 3, 1)),
    ]
    outputs = 2 * wide(64) + wide(96) + wide(pooled)
    return Branches(branches, ConvBnRelu(inputs, wide(pooled), 1)), outputs


def _reduction(inputs: int, wide) -> tuple[Branches, int]:
    """Mixed_6a: halves the map (fig. 10)."""
    branches = [
        _chain(inputs, (wide(384), 3, 0, 2)),
        _chain(inputs, (wide(64), 1), (wide(96), 3, 1), (wide(96), 3, 0, 2)),
    ]
    return Branches(branches), inputs + wide(384) + wide(96)


def _sevens(inputs: int, wide, middle: int) -> tuple[Branches, int]:
    """Mixed_6b to 6e: 1×1, 7×7 as 1×7 and 7×1, the same twice, pooling (fig. 6)."""
    row, column = ((1, 7), (0, 3)), ((7, 1), (3, 0))
    first, last = (wide(middle), 1), wide(192)
    branches = [
        _chain(inputs, (last, 1)),
        _chain(inputs, first, (wide(middle), *row), (last, *column)),
        _chain(
            inputs,
            first,
            *((wide(middle), *shape) for shape in (column, row, column)),
            (last, *row),
        ),
    ]
    return Branches(branches, ConvBnRelu(inputs, last, 1)), 4 * last
