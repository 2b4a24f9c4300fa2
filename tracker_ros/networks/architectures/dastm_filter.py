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
from torch.nn import functional as F

from ...core.config import TrackingConfig
from ..backbones.efficientnet import EfficientNetLite
from ..blocks.convolutions import normalise
from ..blocks.filter import CorrelationFilter
from ..blocks.gate import DynamicAttention
from ..blocks.head import make_head
from ..blocks.pyramid import STRIDE, PyramidNeck
from ..blocks.reader import read_memory, shares, tokens
from ..config import NetworkConfig
from ..step import Step, StepModule
from .stmtrack import Maps, Stmtrack

FOUND = (0.5, 0.9)  # trust in boxes that were found; 1 is that in the given one
LEVELS = 3  # of the trunk, before the spectrum in what is seen of a crop
LEVEL_NAMES = ("fine", "middle", "coarse")
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
            self.filter = CorrelationFilter(
                config.search_cells, STRIDE, config.target_cells, levels
            )
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

    def see(self, crops: Tensor) -> tuple[Tensor, ...]:
        """Crops uint8 [B, S, S, 3] BGR → all that the other steps need of them.

        The trunk's three levels, of strides 8, 8 and 16, and, with a filter, their spectrum (see
        ``CorrelationFilter``).
        """
        fine, middle, coarse = self.trunk(normalise(crops, self.query_neck.out.weight.dtype))
        levels = F.avg_pool2d(fine, 2), middle, coarse
        if self.filter is None:
            return levels
        with _exactly(middle):
            return *levels, self.filter.transform(levels)

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

    def teach(self, seen: tuple[Tensor, ...], boxes: Tensor) -> tuple[Tensor, ...]:
        """What a seen crop teaches the filter, see ``CorrelationFilter.learn``."""
        if self.filter is None:
            return ()
        with _exactly(seen[LEVELS]):
            return self.filter.learn(seen[LEVELS], boxes)

    def respond(self, spectrum: Tensor, learned: tuple[Tensor, ...]) -> Tensor:
        """The filter's answer [B, 1, h, w]."""
        with _exactly(spectrum):
            return self.filter.respond(spectrum, *learned)

    def match(
        self, seen: tuple[Tensor, ...], memory: Tensor, learned: tuple[Tensor, ...]
    ) -> tuple[Tensor, ...]:
        """A seen query against memory tokens [B, M, C] and the filter: see ``Head.forward``.

        ``learned``: numerator and denominator of the filter, nothing without one. With a filter
        its response [B, 1, h, w] is returned, too.
        """
        size = STRIDE * seen[1].shape[-1]
        read = read_memory(self.query_neck(seen[:LEVELS]), memory)
        if self.filter is not None:
            response = self.respond(seen[LEVELS], learned)
            read = torch.cat([read, self.place(response.to(read.dtype))], 1)
            return *self.head(read, size), response
        return self.head(read, size)

    def look(self, crops: Tensor, memory: Tensor) -> Tensor:
        """What every query cell takes of every memory cell: [B, N, M], rows sum to 1."""
        return shares(tokens(self.query_neck(self.see(crops)[:LEVELS])), memory)

    def forward(self, memory_crops: Tensor, memory_boxes: Tensor, query_crops: Tensor) -> Maps:
        """One training step: memory [B, T, S, S, 3] and [B, T, 4], queries [B·K, S, S, 3].

        The first memory frame is the one that the target was given in.
        """
        batch, frames = memory_crops.shape[:2]
        boxes = memory_boxes.flatten(0, 1)
        seen = self.see(memory_crops.flatten(0, 1))
        trust = torch.empty_like(memory_boxes[..., 0]).uniform_(*FOUND)
        trust[:, 0] = 1
        memory, gate = self.attention(self.features(seen[:LEVELS], boxes, trust.flatten()))
        memory = tokens(memory).unflatten(0, (batch, frames)).flatten(1, 2)
        parts = self.teach(seen, boxes)
        learned = tuple(part.unflatten(0, (batch, frames)).mean(1) for part in parts)
        queries = len(query_crops) // batch
        memory = memory.repeat_interleave(queries, 0)
        learned = tuple(part.repeat_interleave(queries, 0) for part in learned)
        maps = self.match(self.see(query_crops), memory, learned)
        return Maps(*maps[:3], gate.unflatten(0, (batch, frames)))


def _exactly(x: Tensor) -> AbstractContextManager:
    """No half precision for the filter: it divides by what may be small."""
    if x.is_meta:  # where costs are counted; there is no autocast
        return nullcontext()
    return torch.autocast(x.device.type, enabled=False)


class Trunk(StepModule):
    """The step that sees a crop, whatever it is for."""

    def forward(self, crop: Tensor) -> tuple[Tensor, ...]:
        """uint8 [B, S, S, 3] → levels [B, C, S/stride, S/stride], the spectrum: see ``see``."""
        return self.network.see(crop)


class Match(StepModule):
    """The step that finds the target in a query that was seen."""

    def forward(
        self,
        memory: Tensor,
        fine: Tensor,
        middle: Tensor,
        coarse: Tensor,
        spectrum: Tensor | None = None,
        numerator: Tensor | None = None,
        denominator: Tensor | None = None,
    ) -> tuple[Tensor, ...]:
        """Tokens [B, M, C], what was seen, the filter → score [B, h, w], boxes [B, 4, h, w].

        With a filter also its response [B, h, w].
        """
        seen = _given(fine, middle, coarse, spectrum)
        learned = _given(numerator, denominator)
        logits, centerness, boxes, *response = self.network.match(seen, memory, learned)
        score = (torch.sigmoid(logits) * torch.sigmoid(centerness))[:, 0]
        return score, boxes, *(part[:, 0] for part in response)


class Respond(StepModule):
    """The step that asks the filter alone, as for a crop of another scale."""

    def forward(self, spectrum: Tensor, numerator: Tensor, denominator: Tensor) -> tuple[Tensor]:
        """The spectrum of a crop and the filter → its response [B, h, w]."""
        return (self.network.respond(spectrum, (numerator, denominator))[:, 0],)


class Learn(StepModule):
    """The step that encodes one crop that was seen, and what it teaches the filter."""

    def forward(
        self,
        box: Tensor,
        score: Tensor,
        fine: Tensor,
        middle: Tensor,
        coarse: Tensor,
        spectrum: Tensor | None = None,
    ) -> tuple[Tensor, ...]:
        """Box [B, 4] x, y, w, h, score [B], what was seen → tokens [B, m*m, C], gate [B, 4].

        With a filter also its numerator and denominator, see ``CorrelationFilter.learn``.
        ``score``: 1 for the box that was given, below for those that were found.
        """
        seen = _given(fine, middle, coarse, spectrum)
        trust = torch.where(score < 1, score.clamp(*FOUND), 1.0)
        features = self.network.features(seen[:LEVELS], box, trust)
        features, weights = self.network.attention.choose(features)
        return tokens(features), weights, *self.network.teach(seen, box)


def _given(*inputs: Tensor | None) -> tuple[Tensor, ...]:
    return tuple(value for value in inputs if value is not None)


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
    n, learned = config.search_cells, {}
    sides = n, n, n // 2
    seen = {
        name: torch.zeros(1, channels, side, side)
        for name, channels, side in zip(LEVEL_NAMES, network.trunk.levels, sides, strict=True)
    }
    if network.filter is not None:
        half, parts = n // 2 + 1, 2 * sum(network.trunk.levels)
        seen["spectrum"] = spectrum = torch.zeros(1, half, n, parts)
        learned = {
            "numerator": torch.zeros(1, half, n, 2, parts),
            "denominator": torch.ones(1, half, n),
        }
    crop = {"crop": torch.zeros(1, size, size, 3, dtype=torch.uint8)}
    memory = {"memory": torch.zeros(1, 3 * config.memory_cells**2, config.channels)}
    told = {"box": torch.tensor([[0.25, 0.25, 0.5, 0.5]]) * size, "score": torch.ones(1)}
    found = ("score", "boxes")
    made = {"trunk": Step(Trunk(network), crop, tuple(seen))}
    if learned:
        found += ("response",)
        inputs = {"spectrum": spectrum, **learned}
        made["respond"] = Step(Respond(network), inputs, ("response",))
    made["match"] = Step(Match(network), memory | seen | learned, found, {"memory": 1})
    made["learn"] = Step(Learn(network), told | seen, ("tokens", "gate", *learned))
    return made
