"""DASTSiam: SiamRPN with spatio-temporal fusion and discriminative augmentation (Huang et al.)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ...core.config import TrackingConfig
from ..backbones.by_name import make_backbone
from ..blocks.convolutions import conv_bn, normalise
from ..blocks.head import cell_centres
from ..blocks.reader import tokens
from ..blocks.transformer import Decoder
from ..step import Step, StepModule
from . import dastsiam_released as released
from .siamese import (
    Filter,
    RpnMaps,
    Siamese,
    SiameseConfig,
    correlate,
    siamese_steps,
    start,
    unroll,
)


@dataclass(frozen=True)
class DastsiamConfig(SiameseConfig):
    """Sizes of the network; the defaults are the release's, for the paper prints none."""

    da: bool = True  # discriminative augmentation; without it f_s is searched as it is
    released: bool = False  # the modules of ``dastsiam_released`` in place of the printed ones
    dilation: int = 2  # of ResNet's third stage; the release has 1
    anchor: float = 64.0  # side of the one anchor of a cell, crop pixels


class DiscriminativeAugmentation(nn.Module):
    """DA (eq. 5): f_z* [B, C, k, k] and f_s [B, C, H, W] → the enhanced f_s* [B, C, H, W]."""

    def __init__(self, config: DastsiamConfig):
        super().__init__()
        self.decoder = Decoder(config)
        self.norm = nn.LayerNorm(config.channels) if config.released else nn.Identity()
        self.filter = Filter(config.channels)

    def forward(self, target: Tensor, search: Tensor) -> Tensor:
        decoded = self.norm(self.decoder(tokens(search), tokens(target)))
        return self.filter(unroll(decoded, search)) + search


class Rpn(nn.Module):
    """Depthwise correlation, two towers, one anchor a cell.

    ``forward``: f_s* [B, C, H, W], f_z* [B, C, k, k] → ``RpnMaps`` of H - k - 3 cells a side: the
    towers do not pad, so that 36 search cells and 8 template cells make the release's 25.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.classify, self.regress = self._tower(channels), self._tower(channels)
        self.logits = nn.Conv2d(channels, 2, 1)
        self.confidence = nn.Conv2d(channels, 1, 1)
        self.deltas = nn.Conv2d(channels, 4, 1)
        for branch in (self.logits, self.confidence, self.deltas):
            nn.init.normal_(branch.weight, std=0.01)
            nn.init.zeros_(branch.bias)

    @staticmethod
    def _tower(channels: int) -> nn.Sequential:
        parts: list[nn.Module] = []
        for _ in range(2):
            parts += [nn.Conv2d(channels, channels, 3, bias=False), nn.BatchNorm2d(channels)]
            parts.append(nn.ReLU())
        return nn.Sequential(*parts)

    def forward(self, search: Tensor, target: Tensor) -> RpnMaps:
        response = correlate(search, target)
        classified = self.classify(response)
        return RpnMaps(
            self.logits(classified),
            self.confidence(classified),
            self.deltas(self.regress(response)),
        )


def anchor_boxes(deltas: Tensor, anchor: float, stride: int, size: int) -> Tensor:
    """Boxes of SiamRPN's deltas (Li et al., CVPR 2018, eq. 3 inverted).

    Args:
        deltas: [B, 4, h, w]: dx, dy in anchor sides, then log of sides over the anchor's.
        anchor: side of the anchors in pixels; they are centred on the cells, see ``cell_centres``.
    Returns:
        [B, 4, h, w], left, top, right, bottom in pixels of a crop of side ``size``.
    """
    dx, dy, dw, dh = deltas.float().unbind(1)
    columns = cell_centres(deltas.shape[3], stride, size, deltas.device) + dx * anchor
    rows = cell_centres(deltas.shape[2], stride, size, deltas.device)[:, None] + dy * anchor
    # e^5 anchors are larger than any crop; more would overflow.
    width, height = (0.5 * anchor * side.clamp(max=5).exp() for side in (dw, dh))
    return torch.stack([columns - width, rows - height, columns + width, rows + height], 1)


class Dastsiam(Siamese):
    """Trunk, neck, ST, DA, RPN; in the released form a second trunk, for templates."""

    def __init__(self, config: DastsiamConfig):
        super().__init__(config)
        if config.released:
            self.memory_trunk = make_backbone(config)
        self.augment = DiscriminativeAugmentation(config) if config.da else None
        self.head = released.Rpn(config) if config.released else Rpn(config.channels)

    def _make_neck(self, inputs: int, config: DastsiamConfig) -> nn.Module:
        return nn.Sequential(conv_bn(inputs, config.channels, 1), nn.ReLU())

    def _make_fusion(self, config: DastsiamConfig) -> nn.Module:
        if config.released:
            return released.SpatioTemporal(config)
        return super()._make_fusion(config)

    def template(self, crops: Tensor) -> Tensor:
        """Template crops uint8 [B, M, M, 3] → [B, C, k, k]; released, all cells of the map."""
        if not self.config.released:
            return super().template(crops)
        dtype = next(self.memory_trunk.parameters()).dtype
        return self.neck(self.memory_trunk(normalise(crops, dtype)))

    def template_side(self, size: int) -> int:
        if not self.config.released:
            return super().template_side(size)
        return self.memory_trunk.cells(size)

    def match(self, crops: Tensor, target: Tensor) -> RpnMaps:
        """Query crops uint8 [B, Q, Q, 3] against f_z* [B, C, k, k]."""
        search = self.features(crops)
        if self.augment is not None:
            search = self.augment(target, search)
        return self.head(search, target)

    def forward(self, memory_crops: Tensor, memory_boxes: Tensor, query_crops: Tensor) -> RpnMaps:
        """One training step: T_i, T_a, T_c uint8 [B, 3, M, M, 3], query uint8 [B, Q, Q, 3].

        The boxes are not looked at: a template is the middle of its crop.
        """
        return self.match(query_crops, self.templates(memory_crops))


def locate(network: Dastsiam, crop: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """uint8 [1, Q, Q, 3], f_z* [1, C, k, k] → score [1, h, w], boxes [1, 4, h, w].

    The score is (p1 + p2) / 2, p1 of cls1 and p2 of cls2: ``memory_score=0.59`` in the tracking
    configuration is then the paper's rule, which updates where p1 + p2 > 1.18. No float32 is
    equal to 0.59, so that "at least", which the tracker asks, and "more than" are the same.
    """
    maps = network.match(crop, target)
    score = torch.softmax(maps.logits.float(), 1)[:, 1]
    score = (score + torch.sigmoid(maps.confidence.float())[:, 0]) / 2
    stride, size = network.query_trunk.stride, crop.shape[1]
    return score, anchor_boxes(maps.deltas, network.config.anchor, stride, size)


def steps(network: Dastsiam, tracking: TrackingConfig) -> dict[str, Step]:
    """The three steps that engines run and export writes."""
    return siamese_steps(network, tracking, start, StepModule(network, locate))
