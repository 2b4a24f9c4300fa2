"""DASTSiam as its code was released, where that differs from the paper (see docs/papers.md).

Query and key are of f_c, value and residual of f_a; ST and DA see all cells of the template, of
which the head keeps the middle; templates have a trunk of their own.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..blocks.convolutions import conv_bn
from ..blocks.reader import tokens
from ..blocks.transformer import Encoder
from .siamese import Filter, RpnMaps, SiameseConfig, correlate, middle, unroll


class SpatioTemporal(nn.Module):
    """ST as released: three templates [B, C, h, w] → the enhanced template f_z* [B, C, h, w].

    f_z* is a learned mean of f_i + m (m: the filtered encoder's output), and of a second filter on
    both side by side, each channel weighted by a perceptron that sees that channel's mean alone.
    """

    def __init__(self, config: SiameseConfig):
        super().__init__()
        c = config.channels
        self.encoder = Encoder(config, keys_ask=True)
        self.filter = Filter(c)
        self.weigh = nn.Sequential(nn.Linear(1, 15), nn.ReLU(), nn.Linear(15, 1), nn.Sigmoid())
        self.join = nn.Sequential(conv_bn(2 * c, c, 3), nn.ReLU(), conv_bn(c, c, 3), nn.ReLU())
        self.shares = nn.Parameter(torch.ones(2))  # of the two, before a softmax

    def forward(self, initial: Tensor, last: Tensor, current: Tensor) -> Tensor:
        encoded = self.filter(unroll(self.encoder(tokens(last), tokens(current)), initial))
        both = torch.cat([initial, encoded], 1)
        both = both * self.weigh(both.mean((2, 3), keepdim=True))
        share = self.shares.softmax(0)
        return share[0] * (initial + encoded) + share[1] * self.join(both)


class Rpn(nn.Module):
    """Depthwise correlation of adjusted features, one anchor a cell.

    ``forward``: f_s* [B, C, H, W], f_z* [B, C, k, k] → ``RpnMaps`` of H - ``template_cells`` - 3
    cells a side. Each output ends in two 3×3 convolutions that do not pad: so 36 search cells and
    the middle 8 of the template make 25.
    """

    def __init__(self, config: SiameseConfig):
        super().__init__()
        c, narrow = config.channels, max(config.channels // 4, 1)
        self.cells = config.template_cells
        self.search_adjust, self.target_adjust, self.mix, self.towers = (
            nn.ModuleDict() for _ in range(4)
        )
        for kind in ("classify", "regress"):
            self.search_adjust[kind] = conv_bn(c, c, 3)
            self.target_adjust[kind] = conv_bn(c, c, 3)
            self.mix[kind] = nn.Sequential(conv_bn(c, c, 1), nn.ReLU())
            self.towers[kind] = nn.Sequential(
                conv_bn(c, c, 3), nn.ReLU(), conv_bn(c, narrow, 3), nn.ReLU()
            )
        self.logits, self.confidence, self.deltas = (
            nn.Sequential(
                nn.Conv2d(narrow, narrow, 3, bias=False),
                nn.BatchNorm2d(narrow),
                nn.ReLU(),
                nn.Conv2d(narrow, outputs, 3),
            )
            for outputs in (2, 1, 4)
        )

    def forward(self, search: Tensor, target: Tensor) -> RpnMaps:
        target = middle(target, self.cells)

        def respond(kind: str) -> Tensor:
            adjusted = self.search_adjust[kind](search), self.target_adjust[kind](target)
            return self.towers[kind](self.mix[kind](correlate(*adjusted)))

        classified = respond("classify")
        return RpnMaps(
            self.logits(classified), self.confidence(classified), self.deltas(respond("regress"))
        )
