"""STMTrack: space-time memory networks for tracking (Fu et al., CVPR 2021). The family's base."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ...core.config import TrackingConfig
from ..backbones.by_name import make_backbone, unread
from ..backbones.efficientnet import EfficientNetLite
from ..blocks.convolutions import normalise
from ..blocks.head import make_head
from ..blocks.pyramid import PyramidNeck
from ..blocks.reader import read_memory, shares, tokens
from ..config import NetworkConfig
from ..step import Step, StepModule, example_crop, example_memory


@dataclass(frozen=True)
class StmtrackConfig(NetworkConfig):
    """Sizes of the network; the defaults are those of the reference code."""

    backbone: str = "inception_v3"  # see networks/backbones/by_name.py
    width: float = 1.0  # of Inception's channels
    widths: tuple[int, ...] = ()  # of MobileOne, as the four below
    depths: tuple[int, ...] = ()
    branches: int = 1
    scale: bool = False
    late_se: int = 0
    shared: bool = False  # one backbone for memory and query (Table 1)
    labelled: bool = True  # label maps in the memory branch (Table 1)
    channels: int = 512  # C of memory and query features
    head_channels: int = 256
    head_depth: int = 7
    head_kind: str = "plain"
    neck: str = "conv"  # or separable: a tenth of the cost; an EfficientNet-Lite has a pyramid

    def idle(self) -> Iterator[tuple[str, str]]:
        yield from unread(self.backbone)
        if self.backbone.startswith("efficientnet_"):
            yield "neck", f"backbone is {self.backbone}, whose levels a pyramid merges"


class Maps(NamedTuple):
    """What a training step returns: ``Head.forward``'s maps and the gate weights.

    Attributes:
        logits, centerness: [B, 1, h, w]. boxes: [B, 4, h, w], left, top, right, bottom, crop
            pixels. gate: [B, T, 4], None where the network has no gate.
    """

    logits: Tensor
    centerness: Tensor
    boxes: Tensor
    gate: Tensor | None = None


def make_neck(inputs: int, channels: int, kind: str) -> nn.Module:
    """A trunk's features to those that are compared: [B, inputs, h, w] → [B, channels, h, w].

    A 3×3 convolution (``conv``, the paper's), or a depthwise and a pointwise one (``separable``).
    Raises ValueError for another kind.
    """
    if kind == "conv":
        return nn.Conv2d(inputs, channels, 3, padding=1)
    if kind == "separable":
        return nn.Sequential(
            nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False),
            nn.Conv2d(inputs, channels, 1),
        )
    raise ValueError(f"neck is {kind!r}, not conv or separable")


class Stmtrack(nn.Module):
    """Memory branch with label map, query branch, reader, head.

    Crops are uint8 [B, S, S, 3] BGR straight from ``core.geometry.crop``; normalisation to [-1, 1]
    and the change of layout are part of the network, so that training, export and inference share
    them.
    """

    def __init__(self, config: StmtrackConfig):
        super().__init__()
        self.config = config
        self.memory_trunk = None if config.shared else make_backbone(config)
        self.query_trunk = make_backbone(config)
        trunk = self.query_trunk
        self.label = None
        # Behind a trunk that ImageNet taught, which has seen no label map, the neck takes it in.
        self.pyramid = isinstance(trunk, EfficientNetLite)
        if self.pyramid:
            self.memory_neck, self.query_neck = (
                PyramidNeck(trunk.levels, config.channels, labelled)
                for labelled in (config.labelled, False)
            )
        else:
            if config.labelled:
                self.label = nn.Conv2d(1, trunk.stem_channels, 3, 2, trunk.stem_padding, bias=False)
            self.memory_neck = make_neck(trunk.channels, config.channels, config.neck)
            self.query_neck = make_neck(trunk.channels, config.channels, config.neck)
        self._make_attention(config)
        self.head = make_head(2 * config.channels, config, trunk.stride)
        if self.label is not None:
            nn.init.normal_(self.label.weight, std=0.01)

    def _make_attention(self, config) -> None:
        """For DASTM; here, so that the order of the weights' initialisation is kept."""

    def normalise(self, crops: Tensor) -> Tensor:
        """uint8 [B, S, S, 3] → [B, 3, S, S] in [-1, 1], of the weights' dtype."""
        return normalise(crops, next(self.query_trunk.parameters()).dtype)

    @property
    def memory_encoder(self) -> nn.Module:
        """The backbone of the memory branch."""
        return self.query_trunk if self.memory_trunk is None else self.memory_trunk

    def memory_cells(self, size: int) -> int:
        """Cells along a side of what is remembered of a memory crop of ``size`` pixels."""
        return self.memory_encoder.cells(size)

    @staticmethod
    def label_map(boxes: Tensor, size: int) -> Tensor:
        """1 where a pixel's centre lies in the box, 0 elsewhere (STMTrack, sec. 3.2).

        Boxes [B, 4], x, y, w, h in pixels → [B, 1, size, size].
        """
        pixels = torch.arange(size, device=boxes.device) + 0.5
        x, y, w, h = boxes[:, :, None].unbind(1)
        columns = (pixels > x) & (pixels < x + w)
        rows = (pixels > y) & (pixels < y + h)
        return (rows[:, None, :, None] & columns[:, None, None, :]).to(boxes.dtype)

    def features(self, crops: Tensor, boxes: Tensor) -> Tensor:
        """Memory frames to features (eq. 1): [B, C, h, w].

        Args:
            crops: uint8 [B, S, S, 3]. boxes: float32 [B, 4], x, y, w, h in crop pixels.
        """
        x, label = self.normalise(crops), None
        if self.config.labelled:
            label = self.label_map(boxes, crops.shape[1]).to(x.dtype)
        if self.pyramid:
            return self.memory_neck(self.memory_encoder(x), label)
        if self.label is not None:
            label = self.label(label)
        return self.memory_neck(self.memory_encoder(x, label))

    def query(self, crops: Tensor) -> Tensor:
        """Query crops uint8 [B, S, S, 3] to features (eq. 2): [B, C, h, w]."""
        return self.query_neck(self.query_trunk(self.normalise(crops)))

    def encode(self, crops: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor | None]:
        """Memory features as they are remembered, and gate weights [B, 4] or None."""
        return self.features(crops, boxes), None

    def match(self, crops: Tensor, memory: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Query crops uint8 [B, S, S, 3] against memory tokens [B, M, C]: see ``Head.forward``."""
        return self.head(read_memory(self.query(crops), memory), crops.shape[1])

    def look(self, crops: Tensor, memory: Tensor) -> Tensor:
        """What every query cell takes of every memory cell (eq. 3): [B, N, M], rows sum to 1."""
        return shares(tokens(self.query(crops)), memory)

    def forward(self, memory_crops: Tensor, memory_boxes: Tensor, query_crops: Tensor) -> Maps:
        """One training step: memory [B, T, S, S, 3] and [B, T, 4], queries [B·K, S, S, 3]."""
        batch, frames = memory_crops.shape[:2]
        memory, gate = self.encode(memory_crops.flatten(0, 1), memory_boxes.flatten(0, 1))
        memory = tokens(memory).unflatten(0, (batch, frames)).flatten(1, 2)
        gate = None if gate is None else gate.unflatten(0, (batch, frames))
        memory = memory.repeat_interleave(len(query_crops) // batch, 0)
        return Maps(*self.match(query_crops, memory), gate)


def locate(network: Stmtrack, crop: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
    """uint8 [B, Q, Q, 3], tokens [B, M, C] → score [B, h, w] in [0, 1], boxes [B, 4, h, w]."""
    logits, centerness, boxes = network.match(crop, memory)
    return (torch.sigmoid(logits) * torch.sigmoid(centerness))[:, 0], boxes


def remember(network: Stmtrack, crop: Tensor, box: Tensor) -> tuple[Tensor]:
    """uint8 [B, M, M, 3], box [B, 4] x, y, w, h → tokens [B, h*w, C]."""
    return (tokens(network.features(crop, box)),)


def steps(network: Stmtrack, tracking: TrackingConfig) -> dict[str, Step]:
    """The two steps that engines run and export writes."""
    example = example_memory(tracking.memory_size)
    return {
        "locate": locate_step(network, tracking),
        "remember": Step(StepModule(network, remember), example, ("tokens",)),
    }


def locate_step(network: Stmtrack, tracking: TrackingConfig) -> Step:
    """``locate`` with an example of three memorised frames."""
    cells = network.memory_cells(tracking.memory_size)
    memory = torch.zeros(1, 3 * cells**2, network.config.channels)
    inputs = {"crop": example_crop(tracking.query_size), "memory": memory}
    return Step(StepModule(network, locate), inputs, ("score", "boxes"), {"memory": 1})
