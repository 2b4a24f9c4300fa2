"""DASTM on an ImageNet trunk, beside a classifier that is learned online.

What the paper's method learns offline from little data does not tell this target from another; what
is learned online does (docs/design.md). One trunk serves memory, query and ``core.online``. Neither
knows what the other answers: they are two witnesses.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...core.config import TrackingConfig
from ...core.online.reference import REGION as REFINED
from ...core.online.scale import REGION
from ..backbones.efficientnet import EfficientNetLite
from ..blocks.convolutions import normalise
from ..blocks.gate import DynamicAttention, unread
from ..blocks.head import make_head
from ..blocks.pyramid import STRIDE, PyramidNeck
from ..blocks.reader import read_memory, shares, tokens
from ..blocks.refiner import BoxRefiner, detailed
from ..config import NetworkConfig
from ..step import Step, StepModule, example_memory
from .stmtrack import Maps, Stmtrack

FOUND = (0.5, 0.9)  # trust in boxes that were found; 1 is that in the given one
LEVEL_NAMES = ("fine", "middle", "coarse")


@dataclass(frozen=True)
class DastmFilterConfig(NetworkConfig):
    """Sizes of the network.

    Attributes:
        backbone: see ``backbones.efficientnet``. filter: ``online``, or ``none``: DASTM alone.
        search_cells: cells along a side of the query's and the memory crop's grid.
        memory_cells: cells along a side that are remembered, in the middle of a memory crop.
        refine: whether boxes are compared with the first frame (needs what is learned online).
        gate, gate_reduction, temperature: see ``DastmConfig``. head_…: see
            ``networks.blocks.head``.
    """

    backbone: str = "efficientnet_lite0"
    filter: str = "online"
    refine: bool = False
    search_cells: int = 20
    memory_cells: int = 14
    channels: int = 128
    head_channels: int = 128
    head_depth: int = 3
    head_kind: str = "separable"
    gate: str = "hard"
    gate_reduction: int = 4
    temperature: float = 1.0

    retired = (("neck_depth", 1),)

    def idle(self) -> Iterator[tuple[str, str]]:
        yield from unread(self.gate)


class DastmFilter(nn.Module):
    """Shared trunk; memory neck, gate and reader; query neck; head."""

    stride = STRIDE

    def __init__(self, config: DastmFilterConfig):
        super().__init__()
        if config.filter not in ("online", "none"):
            raise ValueError(f"filter is {config.filter!r}, not online or none")
        if config.filter == "online" and config.search_cells <= REGION:
            raise ValueError(
                f"search_cells is {config.search_cells}; what is learned online needs more than "
                f"{REGION}"
            )
        if config.memory_cells > config.search_cells:
            raise ValueError(
                f"memory_cells is {config.memory_cells}, more than search_cells, which are"
                f" {config.search_cells}"
            )
        if config.refine and config.filter == "none":
            raise ValueError("refine needs what is learned online, and filter is none")
        self.config = config
        self.trunk = EfficientNetLite(config.backbone.removeprefix("efficientnet_"))
        levels, channels = self.trunk.levels, config.channels
        self.memory_neck = PyramidNeck(levels, channels, labelled=True)
        self.query_neck = PyramidNeck(levels, channels, labelled=False)
        self.attention = DynamicAttention(
            channels, config.gate, config.gate_reduction, config.temperature
        )
        self.observes = config.filter == "online"  # for what is learned online
        self.refiner = BoxRefiner(sum(levels), levels[0]) if config.refine else None
        self.head = make_head(2 * channels, config, STRIDE)

    def memory_cells(self, size: int) -> int:
        """Cells along a side of what is remembered of a memory crop."""
        return self.config.memory_cells

    def see(self, crops: Tensor) -> tuple[Tensor, ...]:
        """Crops uint8 [B, S, S, 3] BGR → all that the other steps need of them.

        The trunk's three levels, of strides 8, 8 and 16, and, for what is learned online, all of
        them as one grid of stride 8: float32 [B, C, S/8, S/8]. There every channel has lost its
        mean, and every level weighs the same, however many its channels. A network that refines
        boxes adds what the refiner compares, [B, W, S/8, S/8].
        """
        levels, *observed = self.observe(crops)
        if not self.observes:
            return levels
        if self.refiner is None:
            return *levels, observed[0]
        return *levels, observed[0], self.refiner.embedded(*observed)

    def observe(self, crops: Tensor) -> tuple[tuple[Tensor, ...], Tensor | None, Tensor | None]:
        """The three levels, the features, and ``blocks.refiner.detailed`` of a crop.

        The last two are float32, and None for a network that learns nothing online.
        """
        image, fine, levels = self._levels(crops)
        if not self.observes:
            return levels, None, None
        parts = []
        for level in levels:
            level = level.float()
            if level.shape[-1] < levels[1].shape[-1]:
                level = F.interpolate(level, scale_factor=2.0, mode="bilinear", align_corners=False)
            level = level - level.mean((2, 3), keepdim=True)
            spread = level.square().mean((1, 2, 3), keepdim=True).sqrt() + 1e-6
            parts.append(level / (spread * math.sqrt(level.shape[1])))
        features = torch.cat(parts, 1)
        return levels, features, detailed(image, fine)

    def _levels(self, crops: Tensor) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
        """What the trunk takes of a crop, its first level, and the three levels: see ``see``."""
        image = normalise(crops, self.query_neck.out.weight.dtype)
        fine, middle, coarse = self.trunk(image)
        return image, fine, (F.avg_pool2d(fine, 2), middle, coarse)

    def features(self, levels: tuple[Tensor, ...], boxes: Tensor, trust: Tensor) -> Tensor:
        """Memory frames' levels to the middle of their features [B, C, m, m].

        Args:
            boxes: float32 [B, 4], x, y, w, h in crop pixels. trust: float32 [B], what a label map
                has inside the box instead of STMTrack's 1: so the box that was given weighs more
                than those that were found, and may have drifted.
        """
        labels = Stmtrack.label_map(boxes, STRIDE * levels[1].shape[-1])
        labels = (labels * trust[:, None, None, None]).to(levels[1].dtype)
        features = self.memory_neck(levels, labels)
        edge = (features.shape[-1] - self.config.memory_cells) // 2
        inner = slice(edge, edge + self.config.memory_cells)
        return features[:, :, inner, inner]

    def match(self, levels: tuple[Tensor, ...], memory: Tensor) -> tuple[Tensor, ...]:
        """A query's levels against memory tokens [B, M, C]: see ``Head.forward``."""
        read = read_memory(self.query_neck(levels), memory)
        return self.head(read, STRIDE * levels[1].shape[-1])

    def look(self, crops: Tensor, memory: Tensor) -> Tensor:
        """What every query cell takes of every memory cell: [B, N, M], rows sum to 1."""
        return shares(tokens(self.query_neck(self._levels(crops)[-1])), memory)

    def forward(self, memory_crops: Tensor, memory_boxes: Tensor, query_crops: Tensor) -> Maps:
        """One training step: memory [B, T, S, S, 3] and [B, T, 4], queries [B·K, S, S, 3].

        The first memory frame is the one that the target was given in.
        """
        batch, frames = memory_crops.shape[:2]
        boxes = memory_boxes.flatten(0, 1)
        levels = self._levels(memory_crops.flatten(0, 1))[-1]
        trust = torch.empty_like(memory_boxes[..., 0]).uniform_(*FOUND)
        trust[:, 0] = 1
        memory, gate = self.attention(self.features(levels, boxes, trust.flatten()))
        memory = tokens(memory).unflatten(0, (batch, frames)).flatten(1, 2)
        memory = memory.repeat_interleave(len(query_crops) // batch, 0)
        maps = self.match(self._levels(query_crops)[-1], memory)
        return Maps(*maps, gate.unflatten(0, (batch, frames)))


def match(
    network: DastmFilter,
    memory: Tensor,
    fine: Tensor,
    middle: Tensor,
    coarse: Tensor,
    *refined: Tensor,
    side: float,
) -> tuple[Tensor, ...]:
    """Tokens [B, M, C], levels → score [B, h, w], boxes [B, 4, h, w].

    And, of a network that refines boxes, what it says of the region (``refined`` and ``side``: the
    arguments of ``BoxRefiner.forward``): the box, and the probability that the target is there.
    """
    logits, centerness, boxes = network.match((fine, middle, coarse), memory)
    score = (torch.sigmoid(logits) * torch.sigmoid(centerness))[:, 0]
    if network.refiner is None:
        return score, boxes
    box, _, present = network.refiner(*refined, side)
    return score, boxes, box, torch.sigmoid(present)


def learn(
    network: DastmFilter, box: Tensor, score: Tensor, *levels: Tensor
) -> tuple[Tensor, Tensor]:
    """Box [B, 4] x, y, w, h, score [B], levels → tokens [B, m*m, C], gate [B, 4].

    ``score``: 1 for the box that was given, below for those that were found.
    """
    trust = torch.where(score < 1, score.clamp(*FOUND), 1.0)
    features, weights = network.attention.choose(network.features(levels, box, trust))
    return tokens(features), weights


def steps(network: DastmFilter, tracking: TrackingConfig) -> dict[str, Step]:
    """The steps that engines run and export writes."""
    config = network.config
    size = config.search_cells * STRIDE
    for name in ("query_size", "memory_size"):
        if getattr(tracking, name) != size:
            raise ValueError(
                f"{name} is {getattr(tracking, name)} pixels, but the network has "
                f"{config.search_cells} cells of {STRIDE}"
            )
    n = config.search_cells
    levels = {
        name: torch.zeros(1, channels, side, side)
        for name, channels, side in zip(
            LEVEL_NAMES, network.trunk.levels, (n, n, n // 2), strict=True
        )
    }
    crop, box = ({name: value} for name, value in example_memory(size).items())
    memory = {"memory": torch.zeros(1, 3 * config.memory_cells**2, config.channels)}
    told = box | {"score": torch.ones(1)}
    seen, matched = tuple(levels), memory | levels
    if network.observes:
        seen += ("features",)
    found = ("score", "boxes")
    if network.refiner is not None:
        seen += ("embedded",)
        region = torch.zeros(1, network.refiner.embed.out_channels, REFINED, REFINED)
        matched |= {"reference": region, "shape": torch.zeros(1, 2), "region": region.clone()}
        found += ("refined", "present")
    at = partial(match, side=n / tracking.search_factor)  # cells along a target
    return {
        "trunk": Step(StepModule(network, DastmFilter.see), crop, seen),
        "match": Step(StepModule(network, at), matched, found, {"memory": 1}),
        "learn": Step(StepModule(network, learn), told | levels, ("tokens", "gate")),
    }
