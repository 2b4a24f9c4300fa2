"""ResNet up to its third stage at stride 8, the backbone of SiamRPN++ and DASTSiam.

He et al., CVPR 2016, with what SiamRPN++ (Li et al., CVPR 2019, sec. 3.2) changes: the third stage
keeps its resolution and, behind its first block, dilates its 3×3 convolutions by 2 instead; there
is no fourth.
"""

import torch
from torch import Tensor, nn


class Bottleneck(nn.Module):
    """1×1, 3×3, 1×1 with a shortcut: [B, inputs, H, W] → [B, outputs, ⌈H/stride⌉, ⌈W/stride⌉]."""

    def __init__(self, inputs: int, outputs: int, stride: int, dilation: int):
        super().__init__()
        middle = outputs // 4
        self.body = nn.Sequential(
            nn.Conv2d(inputs, middle, 1, bias=False),
            nn.BatchNorm2d(middle),
            nn.ReLU(),
            nn.Conv2d(middle, middle, 3, stride, dilation, dilation, bias=False),
            nn.BatchNorm2d(middle),
            nn.ReLU(),
            nn.Conv2d(middle, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut: nn.Module = nn.Identity()
        if inputs != outputs or stride > 1:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.body(x) + self.shortcut(x))


class ResNet(nn.Module):
    """Stem and three stages: [B, 3, H, W] normalised → [B, widths[3], ⌈H/8⌉, ⌈W/8⌉].

    Args:
        widths: channels after the stem and the three stages; (64, 256, 512, 1024) is ResNet-50.
        depths: blocks of the three stages; (3, 4, 6) is ResNet-50.
        dilation: of the third stage, behind its first block.
    """

    stride = 8

    def __init__(self, widths: tuple[int, ...], depths: tuple[int, ...], dilation: int = 2):
        super().__init__()
        self.channels = widths[-1]
        self.stem = nn.Sequential(
            nn.Conv2d(3, widths[0], 7, 2, 3, bias=False),
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(),
            nn.MaxPool2d(3, 2, 1),
        )
        self.stages = nn.Sequential()
        for stage, (depth, stride) in enumerate(zip(depths, (1, 2, 1), strict=True)):
            outputs = widths[stage + 1]
            blocks = [Bottleneck(widths[stage], outputs, stride, 1)]
            later = dilation if stage == 2 else 1
            blocks += [Bottleneck(outputs, outputs, 1, later) for _ in range(depth - 1)]
            self.stages.append(nn.Sequential(*blocks))

    def forward(self, x: Tensor) -> Tensor:
        return self.stages(self.stem(x))

    @staticmethod
    def cells(size: int) -> int:
        """Cells along a side of the map for ``size`` input pixels."""
        return -(-size // ResNet.stride)
