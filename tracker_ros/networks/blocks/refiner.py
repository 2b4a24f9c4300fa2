"""The box of what is at a place, and whether that is the target: a comparison with the first frame.

Correlation of every cell with every cell of the target's first view, in order (as in Alpha-Refine,
Yan et al., CVPR 2021, sec. 3.2), tells how that view lies in this one; it is regressed with its
uncertainty. Trained offline, on a frozen trunk.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...core.online.reference import REGION

GAIN = 8.0  # of correlations, at first
SHARP = 4.0  # of the rim of the target's mask, per cell
BESIDE = 0.3  # share of a cell beside the target in what is correlated
LEAST, MOST = -5.5, 0.5  # logarithm of a spread


class BoxRefiner(nn.Module):
    """Two regions of a trunk's features → the box in the second.

    Args:
        channels: of the features. width: of what is correlated. hidden: of the first convolution.
    """

    def __init__(self, channels: int, width: int = 64, hidden: int = 96):
        super().__init__()
        cells = REGION**2
        self.embed = nn.Conv2d(channels, width, 1)
        self.gain = nn.Parameter(torch.tensor(GAIN))
        self.first = nn.Conv2d(cells + 2 * width, hidden, 3, padding=1)
        self.second = nn.Conv2d(hidden, width, 3)
        self.hidden = nn.Linear(width * (REGION - 2) ** 2 + 2, 128)
        self.out = nn.Linear(128, 9)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(
        self, reference: Tensor, shape: Tensor, region: Tensor, side: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Where the target is, and how sure that is.

        Args:
            reference: float32 [B, C, R, R], around the target's centre in the first frame.
            shape: float32 [B, 2], logarithms of its width and height there, in units of ``side``.
            region: float32 [B, C, R, R], around the place where it is now.
            side: cells along a target of the scale that crops are made for.
        Returns:
            Box [B, 4]: the centre's x, y in cells from the region's, logarithms of width and
            height. Logarithms of the Laplace distributions' scales [B, 4], of the same. Whether the
            target is there, a logit [B].
        """
        dtype = self.embed.weight.dtype
        reference, shape, region = (part.to(dtype) for part in (reference, shape, region))
        first, now = self.embed(reference), self.embed(region)
        half = side * torch.exp(shape) / 2
        away = (torch.arange(REGION, device=shape.device, dtype=dtype) - (REGION - 1) / 2).abs()
        across, down = (torch.sigmoid(SHARP * (half[:, i, None] - away)) for i in (0, 1))
        mask = (down[:, :, None] * across[:, None, :])[:, None]
        mean = (first * mask).sum((2, 3)) / mask.sum((2, 3))
        kernel = F.normalize(first.flatten(2), dim=1) * (BESIDE + (1 - BESIDE) * mask.flatten(2))
        answers = kernel.transpose(1, 2) @ F.normalize(now.flatten(2), dim=1)
        answers = (self.gain * answers).unflatten(2, (REGION, REGION))
        x = torch.cat([answers, now, now * mean[:, :, None, None]], 1)
        x = F.relu(self.second(F.relu(self.first(x)))).flatten(1)
        x = self.out(F.relu(self.hidden(torch.cat([x, shape], 1)))).float()
        box = torch.cat([x[:, :2], shape.float() + x[:, 2:4]], 1)
        return box, (x[:, 4:8] - 1.5).clamp(LEAST, MOST), x[:, 8]
