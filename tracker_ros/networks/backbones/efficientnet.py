"""EfficientNet-Lite trunk (Tan and Le, ICML 2019; Liu, "EfficientNet-Lite", 2020), norms folded.

Lite means: no squeeze-and-excitation, ReLU6, a stem and a head that do not grow with the variant.
Batch normalisation is part of each convolution's weights and bias: a trunk that starts from
ImageNet is frozen or fine-tuned slowly, and a CPU normalises as long as it convolves.
"""

import math

from torch import Tensor, nn
from torch.nn import functional as F

# For each published variant: factors on channels and on the repeats of each stage.
VARIANTS = {"lite0": (1.0, 1.0), "lite1": (1.0, 1.1), "lite2": (1.1, 1.2)}
# Expansion, channels, kernel, stride, repeats of the stages up to stride 16.
STAGES = ((1, 16, 3, 1, 1), (6, 24, 3, 2, 2), (6, 40, 5, 2, 2), (6, 80, 3, 2, 3), (6, 112, 5, 1, 3))
LEVELS = (1, 2, 4)  # the stages after which strides 4, 8 and 16 are complete


class Conv(nn.Module):
    """Convolution with bias, TensorFlow's "same" padding, and ReLU6 unless ``active`` is false."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        active: bool = True,
    ):
        super().__init__()
        self.kernel, self.stride, self.active = kernel, stride, active
        padding = kernel // 2 if stride == 1 else 0
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        if self.stride > 1:  # more padding behind than before where it cannot be halved
            sides = []
            for size in (x.shape[-1], x.shape[-2]):
                last = (-(-size // self.stride) - 1) * self.stride
                total = max(last + self.kernel - size, 0)
                sides += [total // 2, total - total // 2]
            x = F.pad(x, sides)
        x = self.conv(x)
        return F.relu6(x) if self.active else x


class Block(nn.Module):
    """Inverted residual: 1×1 expansion, depthwise convolution, linear 1×1 projection."""

    def __init__(self, inputs: int, outputs: int, expansion: int, kernel: int, stride: int):
        super().__init__()
        middle = inputs * expansion
        self.expand = Conv(inputs, middle) if expansion > 1 else None
        self.depthwise = Conv(middle, middle, kernel, stride, middle)
        self.project = Conv(middle, outputs, active=False)
        self.skip = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.expand is None else self.expand(x)
        y = self.project(self.depthwise(y))
        return x + y if self.skip else y


class EfficientNetLite(nn.Module):
    """The trunk up to stride 16.

    ``forward``: [B, 3, S, S] BGR in [-1, 1] → features of strides 4, 8 and 16,
    [B, levels[i], S/stride, S/stride].

    Args:
        variant: see ``VARIANTS``.
    Attributes:
        levels: channels of the three features. stride: of what a neck makes of them.
    Raises:
        ValueError: an unknown variant.
    """

    stride = 8

    def __init__(self, variant: str):
        super().__init__()
        if variant not in VARIANTS:
            raise ValueError(f"variant is {variant!r}, not one of {', '.join(VARIANTS)}")
        width, depth = VARIANTS[variant]
        self.stem, inputs = Conv(3, 32, 3, 2), 32
        self.stages = nn.ModuleList()
        for number, (expansion, channels, kernel, stride, repeats) in enumerate(STAGES):
            outputs = round_channels(channels * width)
            # First and last stage are not repeated more often in larger variants.
            count = repeats if number == 0 else math.ceil(repeats * depth)
            blocks = []
            for index in range(count):
                blocks.append(Block(inputs, outputs, expansion, kernel, stride if not index else 1))
                inputs = outputs
            self.stages.append(nn.Sequential(*blocks))
        self.levels = tuple(self.stages[i][-1].project.conv.out_channels for i in LEVELS)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        x, found = self.stem(x), []
        for number, stage in enumerate(self.stages):
            x = stage(x)
            if number in LEVELS:
                found.append(x)
        return tuple(found)

    @staticmethod
    def cells(size: int) -> int:
        """Cells along a side of the middle level. Raises ValueError where the three do not fit."""
        if size % 16:
            raise ValueError(f"a crop of {size} pixels cannot be halved four times")
        return size // EfficientNetLite.stride


def round_channels(channels: float) -> int:
    """To a multiple of 8, by at most a tenth downwards (EfficientNet's rule)."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 * (rounded < 0.9 * channels)
