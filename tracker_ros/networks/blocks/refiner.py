"""The box of what is at a place, and whether that is the target: a comparison with the first frame.

Correlation of every cell with every cell of the target's first view, in order (as in Alpha-Refine,
Yan et al., CVPR 2021, sec. 3.2), tells how that view lies in this one; it is regressed with its
uncertainty. What is inside the target's outline is compared as a whole, too, colours among it: two
things of the same form may differ in nothing else. Trained offline, on a frozen trunk.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...core.online.reference import REGION

GAIN = 8.0  # of correlations, at first
SHARP = 4.0  # of the rim of the target's mask, per cell
BESIDE = 0.3  # share of a cell beside the target in what is correlated
LEAST, MOST = -5.5, 0.5  # logarithm of a spread
DETAILS = 48  # channels that the details of a cell become
STRONG = 4.0  # of the fine level beside colours, which are up to 1


def detailed(image: Tensor, fine: Tensor) -> Tensor:
    """The details of a crop, before anything of them is learned: float32 [B, F + 3, 2n, 2n].

    Args:
        image: [B, 3, 8n, 8n] in [-1, 1]. fine: [B, F, 2n, 2n], the trunk's first level.
    """
    level = fine.float()
    level = level - level.mean((2, 3), keepdim=True)
    spread = level.square().mean((1, 2, 3), keepdim=True).sqrt() + 1e-6
    level = level * (STRONG / math.sqrt(level.shape[1]) / spread)
    return torch.cat([level, F.avg_pool2d(image.float(), 4)], 1)


class BoxRefiner(nn.Module):
    """Two regions of a trunk's features → the box in the second.

    Args:
        channels: of the features. fine: of the trunk's level of half the stride. width: of what is
            compared. hidden: of the first convolution.
    """

    def __init__(self, channels: int, fine: int, width: int = 64, hidden: int = 96):
        super().__init__()
        cells = REGION**2
        self.details = nn.Conv2d(fine + 3, DETAILS, 2, 2)
        self.embed = nn.Conv2d(channels + DETAILS, width, 1)
        self.gain = nn.Parameter(torch.tensor(GAIN))
        self.first = nn.Conv2d(cells + 2 * width, hidden, 3, padding=1)
        self.second = nn.Conv2d(hidden, width, 3)
        self.hidden = nn.Linear(width * (REGION - 2) ** 2 + 2 + 2 * width, 128)
        self.out = nn.Linear(128, 9)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def embedded(self, features: Tensor, details: Tensor) -> Tensor:
        """What regions are cut from: [B, width, n, n].

        ``features``: [B, C, n, n], for what is learned online. ``details``: see ``detailed``.
        """
        dtype = self.embed.weight.dtype
        details = F.relu(self.details(details.to(dtype)))
        return self.embed(torch.cat([features.to(dtype), details], 1))

    def forward(
        self, reference: Tensor, shape: Tensor, region: Tensor, side: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Where the target is, and how sure that is.

        Args:
            reference: float32 [B, width, R, R], around the target's centre in the first frame.
            shape: float32 [B, 2], logarithms of its width and height there, in units of ``side``.
            region: float32 [B, width, R, R], around the place where it is now.
            side: cells along a target of the scale that crops are made for.
        Returns:
            Box [B, 4]: the centre's x, y in cells from the region's, logarithms of width and
            height. Logarithms of the Laplace distributions' scales [B, 4], of the same. Whether the
            target is there, a logit [B].
        """
        dtype = self.embed.weight.dtype
        first, shape, now = (part.to(dtype) for part in (reference, shape, region))
        half = side * torch.exp(shape) / 2
        away = (torch.arange(REGION, device=shape.device, dtype=dtype) - (REGION - 1) / 2).abs()
        across, down = (torch.sigmoid(SHARP * (half[:, i, None] - away)) for i in (0, 1))
        mask = (down[:, :, None] * across[:, None, :])[:, None]
        mean, seen = ((part * mask).sum((2, 3)) / mask.sum((2, 3)) for part in (first, now))
        kernel = F.normalize(first.flatten(2), dim=1) * (BESIDE + (1 - BESIDE) * mask.flatten(2))
        answers = kernel.transpose(1, 2) @ F.normalize(now.flatten(2), dim=1)
        answers = (self.gain * answers).unflatten(2, (REGION, REGION))
        x = torch.cat([answers, now, now * mean[:, :, None, None]], 1)
        x = F.relu(self.second(F.relu(self.first(x)))).flatten(1)
        x = torch.cat([x, shape, (seen - mean).abs(), seen * mean], 1)
        x = self.out(F.relu(self.hidden(x))).float()
        box = torch.cat([x[:, :2], shape.float() + x[:, 2:4]], 1)
        return box, (x[:, 4:8] - 1.5).clamp(LEAST, MOST), x[:, 8]
