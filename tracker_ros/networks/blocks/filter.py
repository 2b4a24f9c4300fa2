"""A correlation filter that is learned online, in closed form, on a trunk's features.

Ridge regression in the Fourier domain (Henriques et al., "High-speed tracking with kernelized
correlation filters", TPAMI 2015, sec. 4, with a linear kernel and several channels; Bolme et al.,
CVPR 2010, for the running average of numerator and denominator). Nothing here is trained: it knows
this target and no other, and so tells it from what only looks like an object.

Transforms are products with small constant matrices: grids are 16 to 32 cells wide, for which this
is as fast as an FFT, and it exports to ONNX as two matrix products.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class CorrelationFilter(nn.Module):
    """Learns where a target is from one crop and its box, and looks for it in another.

    A spectrum is [B, h, n, 2·D]: frequencies along y, of which a real signal needs h = n // 2 + 1;
    those along x; the real parts of D channels, then the imaginary ones. Channels come last so that
    each transform is one product of large matrices.

    Args:
        cells: n, cells along a side of the grid.
        stride: crop pixels for one cell.
        target: side of the target in cells, as the crop's factor leaves it.
        levels: channels of each level; D is their sum.
        sigma: standard deviation of the wanted response, in sides of the target.
        ridge: weight of the filter's own size in the regression (λ).
    """

    def __init__(
        self,
        cells: int,
        stride: int,
        target: float,
        levels: Sequence[int],
        sigma: float = 0.1,
        ridge: float = 1e-2,
    ):
        super().__init__()
        self.cells, self.stride, self.ridge = cells, stride, ridge
        half = cells // 2 + 1
        hann = torch.hann_window(cells + 2, periodic=False)[1:-1]
        places = torch.arange(cells)
        # Whole turns are taken off in integers: float32 would lose digits with them.
        angles = 2 * math.pi * (places[:, None] * places % cells).double() / cells
        cos, sin = angles.cos(), angles.sin()
        along = torch.stack([cos, -sin], 1)[:half]  # frequency, part, place
        # In half a spectrum all rows stand for two but the first and, of an even number, the last.
        twice = torch.full((half, 1, 1), 2.0).double()
        twice[0] = 1
        if cells % 2 == 0:
            twice[-1] = 1
        gap = torch.minimum(places, cells - places) / (sigma * target)
        wanted = torch.fft.fft(torch.exp(-0.5 * gap**2)).real
        # Not persistent: they follow from the sizes, which are stored with the weights.
        for name, value in {
            "window": hann[:, None] * hann,
            # Along y, [h·2, n], and back, [n, h·2].
            "down": along.flatten(0, 1),
            "up": (along * twice / cells**2).flatten(0, 1).T,
            # Along x, [n·2, 2·n], from parts of places to frequencies' parts; multiplied from the
            # right it is the way back.
            "across": torch.stack([torch.cat([cos, sin], 1), torch.cat([-sin, cos], 1)], 1).flatten(
                0, 1
            ),
            # Energy of a channel's level, [D, D] from energies of channels.
            "level": torch.block_diag(*(torch.ones(count, count) for count in levels)) / cells**2,
            "label": wanted[:half, None] * wanted,
            "frequencies": torch.fft.fftfreq(cells) * 2 * math.pi,
        }.items():
            self.register_buffer(name, value.float().contiguous(), persistent=False)

    def _apply(self, fn, recurse=True):
        """Constants go along to another device, but stay float32: it divides by what is small."""
        exact = dict(self._buffers)
        super()._apply(fn, recurse)
        for name, value in exact.items():
            self._buffers[name] = value.to(self._buffers[name].device)
        return self

    def features(self, levels: tuple[Tensor, ...]) -> Tensor:
        """Levels of any stride as one grid under a cosine window: float32 [B, D, n, n].

        Every channel loses its mean; every level weighs the same, however many its channels.
        """
        grids = []
        for level in levels:
            level = level.float()
            if level.shape[-1] > self.cells:
                level = F.adaptive_avg_pool2d(level, self.cells)
            elif level.shape[-1] < self.cells:
                size = (self.cells, self.cells)
                level = F.interpolate(level, size, mode="bilinear", align_corners=False)
            grids.append(level)
        x = torch.cat(grids, 1)
        x = x - x.mean((2, 3), keepdim=True)
        energy = torch.linalg.vector_norm(x, dim=(2, 3)).square()
        scale = 1 / ((energy @ self.level).sqrt() + 1e-6)
        return x * scale[:, :, None, None] * self.window

    def spectrum(self, x: Tensor) -> Tensor:
        """[B, D, n, n] → [B, h, n, 2·D]."""
        channels, n, half = x.shape[1], self.cells, len(self.label)
        x = x.flatten(2).transpose(1, 2).reshape(-1, n, n * channels)
        x = (self.down @ x).view(-1, half, 2 * n, channels)
        return (self.across @ x).view(-1, half, n, 2 * channels)

    def transform(self, levels: tuple[Tensor, ...]) -> Tensor:
        """The spectrum of a crop's features, of which the other methods make everything."""
        return self.spectrum(self.features(levels))

    def learn(self, x: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
        """What one crop teaches; both parts of several crops are averaged, each on its own.

        Args:
            x: spectrum of the crop. boxes: float32 [B, 4], x, y, w, h in crop pixels.
        Returns:
            numerator [B, h, n, 2, 2·D], what the parts of a spectrum are multiplied by for real
            and imaginary part of the answer's; denominator [B, h, n].
        """
        centres = (boxes[:, :2] + boxes[:, 2:] / 2) / self.stride - 0.5  # x, y in cells
        half = len(self.label)
        phase = (
            centres[:, 1, None, None] * self.frequencies[:half, None].abs()
            + centres[:, 0, None, None] * self.frequencies
        )
        y, z = self.label * phase.cos(), -self.label * phase.sin()
        y, z = y[..., None], z[..., None]
        a, b = x.chunk(2, 3)
        # Label times the conjugate of the crop.
        real, imaginary = y * a + z * b, z * a - y * b
        numerator = torch.stack(
            [torch.cat([real, -imaginary], 3), torch.cat([imaginary, real], 3)], 3
        )
        return numerator, x.square().sum(3)

    def respond(self, x: Tensor, numerator: Tensor, denominator: Tensor) -> Tensor:
        """Where the target is in a crop, of its spectrum: [B, 1, n, n].

        1 where all is as it was learned.
        """
        both = (numerator @ x[..., None])[..., 0] / (denominator + self.ridge)[..., None]
        rows = both.flatten(2) @ self.across  # [B, h, 2·n]
        return (self.up @ rows.view(-1, self.up.shape[1], self.cells))[:, None]
