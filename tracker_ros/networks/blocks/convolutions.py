"""Parts of several networks; among them convolutions of several branches that become one."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .attention import SE


def normalise(crops: Tensor, dtype: torch.dtype) -> Tensor:
    """Crops [B, H, W, 3] in 0 to 255 → [B, 3, H, W] in [-1, 1]."""
    return crops.to(dtype).permute(0, 3, 1, 2) * (1 / 127.5) - 1


def conv_bn(
    inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    """Convolution (padded to keep size at stride 1, no bias) followed by batch normalisation."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    )


class RepConv(nn.Module):
    """MobileOne's building unit (Vasu et al., CVPR 2023, fig. 3).

    While training: ``branches`` k×k convolutions, with ``scale`` one 1×1 convolution (k > 1), and
    an identity (same shape, stride 1), each with its own batch normalisation, summed. After
    ``fuse`` a single convolution with bias computes the same function. With ``se`` (MobileOne-S4)
    squeeze-and-excitation comes before the ReLU.

    Shapes: [B, inputs, H, W] → [B, outputs, ⌈H/stride⌉, ⌈W/stride⌉].
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 3,
        stride: int = 1,
        groups: int = 1,
        branches: int = 1,
        scale: bool = False,
        se: bool = False,
    ):
        super().__init__()
        self.shape = (inputs, outputs, kernel, stride, groups)
        self.convs = nn.ModuleList(
            conv_bn(inputs, outputs, kernel, stride, groups) for _ in range(branches)
        )
        self.scale = conv_bn(inputs, outputs, 1, 1, groups) if scale and kernel > 1 else None
        self.skip = nn.BatchNorm2d(inputs) if inputs == outputs and stride == 1 else None
        self.attention = SE(outputs, bias=True) if se else nn.Identity()
        self.fused: nn.Conv2d | None = None

    def forward(self, x: Tensor) -> Tensor:
        if self.fused is not None:
            return torch.relu(self.attention(self.fused(x)))
        if not self.training:
            # The same function at a fraction of the cost, with gradients: also for training with
            # frozen statistics, where batch normalisation takes longer than the convolutions.
            return torch.relu_(self.attention(self._convolve(x, *self._sum())))
        with self._exactly(x) as x:
            total = sum(conv(x) for conv in self.convs)
        if self.scale is not None:
            # Subsampled here, not by the convolution's stride: oneDNN's weight gradient of a
            # strided 1×1 convolution with 3 input channels writes out of bounds (torch 2.13, CPU).
            stride = self.shape[3]
            total = total + self.scale(x[:, :, ::stride, ::stride])
        if self.skip is not None:
            total = total + self.skip(x)
        return torch.relu(self.attention(total))

    def _convolve(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        _, _, kernel, stride, groups = self.shape
        with self._exactly(x) as x:
            return F.conv2d(x, weight, bias, stride, kernel // 2, groups=groups)

    @contextmanager
    def _exactly(self, x: Tensor) -> Iterator[Tensor]:
        """``x`` in float32 and no autocast where bfloat16 is slower.

        oneDNN takes 50 times longer for the weight gradient of a 5×5 depthwise convolution in
        bfloat16 than for one of 3×3; 5 times longer than in float32 (torch 2.13, CPU).
        """
        _, _, kernel, _, groups = self.shape
        if groups > 1 and kernel > 3 and torch.is_autocast_enabled("cpu") and not x.is_cuda:
            with torch.autocast("cpu", enabled=False):
                yield x.float()
        else:
            yield x

    def _sum(self) -> tuple[Tensor, Tensor]:
        """Weight and bias of the one convolution that all branches sum to, in evaluation."""
        inputs, outputs, kernel, _, groups = self.shape
        branches = [(branch[0].weight, branch[1]) for branch in self.convs]
        if self.scale is not None:
            branches.append((self.scale[0].weight, self.scale[1]))
        if self.skip is not None:
            channels = torch.arange(outputs, device=branches[0][0].device)
            identity = torch.zeros(outputs, inputs // groups, 1, 1, device=channels.device)
            identity[channels, channels % (inputs // groups)] = 1
            branches.append((identity, self.skip))
        weight, bias = 0.0, 0.0
        for kernel_weight, norm in branches:
            gain = norm.weight / (norm.running_var + norm.eps).sqrt()
            margin = (kernel - kernel_weight.shape[-1]) // 2
            padded = F.pad(kernel_weight, [margin] * 4)
            weight = weight + padded * gain[:, None, None, None]
            bias = bias + norm.bias - norm.running_mean * gain
        return weight, bias

    @torch.no_grad()
    def fuse(self) -> None:
        """Replace the branches by the one convolution they sum to (evaluation statistics)."""
        if self.fused is not None:
            return
        weight, bias = self._sum()
        inputs, outputs, kernel, stride, groups = self.shape
        self.fused = nn.Conv2d(
            inputs, outputs, kernel, stride, kernel // 2, groups=groups, device=weight.device
        )
        self.fused.weight.copy_(weight)
        self.fused.bias.copy_(bias)
        self.convs, self.scale, self.skip = nn.ModuleList(), None, None


class SeparableConv(nn.Sequential):
    """Depthwise k×k, then pointwise 1×1, both ``RepConv``.

    Shapes: [B, inputs, H, W] → [B, outputs, ⌈H/stride⌉, ⌈W/stride⌉].
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        stride: int = 1,
        branches: int = 1,
        scale: bool = False,
        kernel: int = 3,
        se: bool = False,
    ):
        super().__init__(
            RepConv(inputs, inputs, kernel, stride, inputs, branches, scale, se),
            RepConv(inputs, outputs, 1, branches=branches, se=se),
        )


def fuse(module: nn.Module) -> nn.Module:
    """Fuse every ``RepConv`` below ``module`` in place and put it in evaluation mode."""
    module.eval()
    for part in module.modules():
        if isinstance(part, RepConv):
            part.fuse()
    return module
