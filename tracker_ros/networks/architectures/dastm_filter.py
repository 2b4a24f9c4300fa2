"""DASTM on an ImageNet trunk, beside a correlation filter that is learned online.

What the paper's method learns offline from little data does not tell this target from another; what
is learned online does (docs/design.md). One trunk serves memory, query and filter. The filter's
response goes into the head, which says what to make of it: where the target is, whether it is
there at all, and its box.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ...core.config import TrackingConfig
from ..backbones.efficientnet import EfficientNetLite
from ..blocks.convolutions import normalise
from ..blocks.filter import CorrelationFilter
from ..blocks.gate import DynamicAttention
from ..blocks.head import make_head
from ..blocks.pyramid import STRIDE, PyramidNeck
from ..blocks.reader import read_memory, shares, tokens
from ..config import NetworkConfig
from ..step import Step
from .stmtrack import Maps, Stmtrack, memory_example

FOUND = (0.5, 0.9)  # trust in boxes that were found; 1 is that in the given one
PLACE = 16  # channels that the filter's response becomes before the head


@dataclass(frozen=True)
class DastmFilterConfig(NetworkConfig):
    """Sizes of the network.

    Attributes:
        backbone: see ``backbones.efficientnet``. filter: ``correlation``, or ``none``: DASTM alone.
        search_cells: cells along a side of the query's and the memory crop's grid.
        memory_cells: cells along a side that are remembered, in the middle of a memory crop.
        target_cells: side of the target on that grid.
        neck_depth: blocks behind the merged levels. gate, gate_reduction, temperature: see
            ``DastmConfig``. head_…: see ``networks.blocks.head``.
    """

    backbone: str = "efficientnet_lite0"
    filter: str = "correlation"
    search_cells: int = 20
    memory_cells: int = 14
    target_cells: float = 20 / 3
    channels: int = 128
    neck_depth: int = 1
    head_channels: int = 128
    head_depth: int = 3
    head_kind: str = "separable"
    gate: str = "hard"
    gate_reduction: int = 4
    temperature: float = 1.0


class DastmFilter(nn.Module):
    """Shared trunk; memory neck, gate and reader; query neck; filter; head."""

    stride = STRIDE

    def __init__(self, config: DastmFilterConfig = DastmFilterConfig()):
        super().__init__()
        if config.filter not in ("correlation", "none"):
            raise ValueError(f"filter is {config.filter!r}, not correlation or none")
        self.config = config
        self.trunk = EfficientNetLite(config.backbone.removeprefix("efficientnet_"))
        levels, channels = self.trunk.levels, config.channels
        self.memory_neck = PyramidNeck(levels, channels, config.neck_depth, labelled=True)
        self.query_neck = PyramidNeck(levels, channels, config.neck_depth, labelled=False)
        self.attention = DynamicAttention(
            channels, config.gate, config.gate_reduction, config.temperature
        )
        self.filter = self.place = None
        if config.filter == "correlation":
            self.filter = CorrelationFilter(config.search_cells, STRIDE, config.target_cells)
            self.place = nn.Conv2d(1, PLACE, 3, padding=1)
        self.head = make_head(
            2 * channels + PLACE * (self.place is not None),
            config.head_channels,
            config.head_depth,
            config.head_kind,
            STRIDE,
        )

    def memory_cells(self, size: int) -> int:
        """Cells along a side of what is remembered of a memory crop."""
        return self.config.memory_cells

    def levels(self, crops: Tensor) -> tuple[Tensor, ...]:
        """Crops uint8 [B, S, S, 3] BGR → the trunk's three levels."""
        return self.trunk(normalise(crops, self.query_neck.out.weight.dtype))

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

    def match(
        self, levels: tuple[Tensor, ...], memory: Tensor, size: int, learned: tuple[Tensor, ...]
    ) -> tuple[Tensor, ...]:
        """Query levels against memory tokens [B, M, C] and the filter: see ``Head.forward``.

        ``learned``: numerator and denominator of the filter, nothing without one. With a filter
        its response [B, 1, h, w] is returned, too.
        """
        read = read_memory(self.query_neck(levels), memory)
        if self.filter is not None:
            with _exactly(read):
                response = self.filter.respond(levels, *learned)
            read = torch.cat([read, self.place(response.to(read.dtype))], 1)
            return *self.head(read, size), response
        return self.head(read, size)

    def look(self, crops: Tensor, memory: Tensor) -> Tensor:
        """What every query cell takes of every memory cell: [B, N, M], rows sum to 1."""
        return shares(tokens(self.query_neck(self.levels(crops))), memory)

    def forward(self, memory_crops: Tensor, memory_boxes: Tensor, query_crops: Tensor) -> Maps:
        """One training step: memory [B, T, S, S, 3] and [B, T, 4], queries [B·K, S, S, 3].

        The first memory frame is the one that the target was given in.
        """
        batch, frames = memory_crops.shape[:2]
        boxes, learned = memory_boxes.flatten(0, 1), ()
        levels = self.levels(memory_crops.flatten(0, 1))
        trust = torch.empty_like(memory_boxes[..., 0]).uniform_(*FOUND)
        trust[:, 0] = 1
        memory, gate = self.attention(self.features(levels, boxes, trust.flatten()))
        memory = tokens(memory).unflatten(0, (batch, frames)).flatten(1, 2)
        if self.filter is not None:
            with _exactly(memory):
                parts = self.filter.learn(levels, boxes)
            learned = tuple(part.unflatten(0, (batch, frames)).mean(1) for part in parts)
        queries = len(query_crops) // batch
        memory = memory.repeat_interleave(queries, 0)
        learned = tuple(part.repeat_interleave(queries, 0) for part in learned)
        query = self.levels(query_crops)
        maps = self.match(query, memory, query_crops.shape[1], learned)
        return Maps(*maps[:3], gate.unflatten(0, (batch, frames)))


def _exactly(x: Tensor) -> AbstractContextManager:
    """No half precision for the filter: it divides by what may be small."""
    if x.is_meta:  # where costs are counted; there is no autocast
        return nullcontext()
    return torch.autocast(x.device.type, enabled=False)


class Locate(nn.Module):
    """The step that finds the target in one query crop."""

    def __init__(self, network: DastmFilter):
        super().__init__()
        self.network = network

    def forward(
        self,
        crop: Tensor,
        memory: Tensor,
        numerator: Tensor | None = None,
        denominator: Tensor | None = None,
    ) -> tuple[Tensor, ...]:
        """uint8 [B, Q, Q, 3], tokens [B, M, C], the filter → score [B, h, w], boxes [B, 4, h, w].

        With a filter also its response [B, h, w].
        """
        network, size = self.network, crop.shape[1]
        learned = () if numerator is None else (numerator, denominator)
        levels = network.levels(crop)
        logits, centerness, boxes, *response = network.match(levels, memory, size, learned)
        score = (torch.sigmoid(logits) * torch.sigmoid(centerness))[:, 0]
        return score, boxes, *(part[:, 0] for part in response)


class Remember(nn.Module):
    """The step that encodes one memory crop, and what it teaches the filter."""

    def __init__(self, network: DastmFilter):
        super().__init__()
        self.network = network

    def forward(self, crop: Tensor, box: Tensor, score: Tensor) -> tuple[Tensor, ...]:
        """uint8 [B, M, M, 3], box [B, 4] x, y, w, h → tokens [B, m*m, C], gate weights [B, 4].

        With a filter also its numerator and denominator, see ``CorrelationFilter.learn``.
        ``score``: float32 [B], 1 for the box that was given, below for those that were found.
        """
        network = self.network
        levels = network.levels(crop)
        trust = torch.where(score < 1, score.clamp(*FOUND), 1.0)
        features, weights = network.attention.choose(network.features(levels, box, trust))
        learned = () if network.filter is None else network.filter.learn(levels, box)
        return tokens(features), weights, *learned


def steps(network: DastmFilter, tracking: TrackingConfig) -> dict[str, Step]:
    """The two steps that engines run and export writes."""
    config = network.config
    for name in ("query_size", "memory_size"):
        if getattr(tracking, name) != config.search_cells * STRIDE:
            raise ValueError(
                f"{name} is {getattr(tracking, name)} pixels, but the network has "
                f"{config.search_cells} cells of {STRIDE}"
            )
    found, remembered = ("score", "boxes"), ("tokens", "gate")
    memory = torch.zeros(1, 3 * config.memory_cells**2, config.channels)
    query = torch.zeros(1, tracking.query_size, tracking.query_size, 3, dtype=torch.uint8)
    inputs = {"crop": query, "memory": memory}
    if network.filter is not None:
        n, channels = config.search_cells, sum(network.trunk.levels)
        inputs |= {
            "numerator": torch.zeros(1, 2, channels, n, n // 2 + 1),
            "denominator": torch.ones(1, n, n // 2 + 1),
        }
        found += ("response",)
        remembered += ("numerator", "denominator")
    locate = Step(Locate(network), inputs, found, {"memory": 1})
    return {
        "locate": locate,
        "remember": Step(
            Remember(network), memory_example(tracking) | {"score": torch.ones(1)}, remembered
        ),
    }
