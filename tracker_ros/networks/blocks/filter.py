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

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class CorrelationFilter(nn.Module):
    """Learns where a target is from one crop and its box, and looks for it in another.

    Spectra are [B, 2, D, n, n // 2 + 1], the real and the imaginary part of D channels; the last
    axis is half a spectrum, as of every real signal.

    Args:
        cells: n, cells along a side of the grid.
        stride: crop pixels for one cell.
        target: side of the target in cells, as the crop's factor leaves it.
        sigma: standard deviation of the wanted response, in sides of the target.
        ridge: weight of the filter's own size in the regression (λ).
    """

    def __init__(
        self, cells: int, stride: int, target: float, sigma: float = 0.1, ridge: float = 1e-2
    ):
        super().__init__()
        self.cells, self.stride, self.ridge = cells, stride, ridge
        half = cells // 2 + 1
        hann = torch.hann_window(cells + 2, periodic=False)[1:-1]
        places = torch.arange(cells)
        # Whole turns are taken off in integers: float32 would lose digits with them.
        angles = 2 * math.pi * (places[:, None] * places % cells).double() / cells
        # In half a spectrum all columns stand for two but the first and, of an even number, the
        # last.
        twice = torch.full((half,), 2.0)
        twice[0] = 1
        if cells % 2 == 0:
            twice[-1] = 1
        gap = torch.minimum(places, cells - places) / (sigma * target)
        wanted = torch.fft.fft(torch.exp(-0.5 * gap**2)).real
        frequencies = torch.fft.fftfreq(cells) * 2 * math.pi
        # Not persistent: they follow from the sizes, which are stored with the weights.
        for name, value in {
            "window": hann[:, None] * hann,
            "cos": angles.cos(),
            "sin": angles.sin(),
            "twice": twice / cells**2,
            "label": wanted[:, None] * wanted[:half],
            "frequencies": frequencies,
        }.items():
            self.register_buffer(name, value.float(), persistent=False)

    def features(self, levels: tuple[Tensor, ...]) -> Tensor:
        """Levels of any stride as one grid under a cosine window: float32 [B, D, n, n].

        Every channel loses its mean; every level weighs the same, however many its channels.
        """
        parts = []
        for level in levels:
            level = level.float()
            if level.shape[-1] > self.cells:
                level = F.adaptive_avg_pool2d(level, self.cells)
            elif level.shape[-1] < self.cells:
                size = (self.cells, self.cells)
                level = F.interpolate(level, size, mode="bilinear", align_corners=False)
            level = level - level.mean((2, 3), keepdim=True)
            spread = level.square().mean((1, 2, 3), keepdim=True).sqrt() + 1e-6
            parts.append(level / (spread * math.sqrt(level.shape[1])))
        return torch.cat(parts, 1) * self.window

    def spectrum(self, x: Tensor) -> Tensor:
        """[B, D, n, n] → [B, 2, D, n, n // 2 + 1]."""
        half = len(self.twice)
        real, imaginary = x @ self.cos[:, :half], -(x @ self.sin[:, :half])
        return torch.stack(
            [
                self.cos @ real + self.sin @ imaginary,
                self.cos @ imaginary - self.sin @ real,
            ],
            1,
        )

    def learn(self, levels: tuple[Tensor, ...], boxes: Tensor) -> tuple[Tensor, Tensor]:
        """What one crop teaches; both parts of several crops are averaged, each on its own.

        Args:
            levels: features of the crop. boxes: float32 [B, 4], x, y, w, h in crop pixels.
        Returns:
            numerator [B, 2, D, n, n // 2 + 1], denominator [B, n, n // 2 + 1].
        """
        x = self.spectrum(self.features(levels))
        centres = (boxes[:, :2] + boxes[:, 2:] / 2) / self.stride - 0.5  # x, y in cells
        half = len(self.twice)
        phase = (
            centres[:, 1, None, None] * self.frequencies[:, None]
            + centres[:, 0, None, None] * self.frequencies[:half].abs()
        )
        real, imaginary = self.label * phase.cos(), -self.label * phase.sin()
        real, imaginary = real[:, None], imaginary[:, None]
        # Label times the conjugate of the crop.
        numerator = torch.stack(
            [real * x[:, 0] + imaginary * x[:, 1], imaginary * x[:, 0] - real * x[:, 1]], 1
        )
        return numerator, x.square().sum((1, 2))

    def respond(self, levels: tuple[Tensor, ...], numerator: Tensor, denominator: Tensor) -> Tensor:
        """Where the target is in a crop: [B, 1, n, n], 1 where all is as it was learned."""
        x = self.spectrum(self.features(levels))
        real = (numerator[:, 0] * x[:, 0] - numerator[:, 1] * x[:, 1]).sum(1)
        imaginary = (numerator[:, 0] * x[:, 1] + numerator[:, 1] * x[:, 0]).sum(1)
        scale = self.twice / (denominator + self.ridge)
        real, imaginary = real * scale, imaginary * scale
        # Inverse transform: down the columns, then along the rows, of which only the real part is.
        rows = self.cos @ real - self.sin @ imaginary
        turned = self.cos @ imaginary + self.sin @ real
        half = len(self.twice)
        return (rows @ self.cos[:half] - turned @ self.sin[:half])[:, None]
