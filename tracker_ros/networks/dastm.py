"""DASTM: dynamic attention in a spatio-temporal memory network (Zhou et al.)."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from ..core.config import TrackingConfig
from .gate import DynamicAttention
from .head import Head
from .mobileone import MobileOne
from .reader import read_memory, tokens
from .step import Step


@dataclass(frozen=True)
class DastmConfig:
    """Sizes of the network; the paper's are ``channels=512, head_depth=7, head_kind="conv"``."""

    widths: tuple[int, ...] = (48, 48, 128, 256)  # MobileOne-S0
    depths: tuple[int, ...] = (2, 5, 6)  # S0 has (2, 8, 10): shortened for two CPU cores
    branches: int = 1  # of the re-parametrised convolutions,
    scale: bool = False  # and whether they have a 1x1 branch in training
    channels: int = 128  # C of memory and query features
    head_channels: int = 128
    head_depth: int = 3
    head_kind: str = "separable"
    gate: str = "hard"  # see networks.gate.MODES
    gate_reduction: int = 4  # d
    temperature: float = 1.0  # tau

    def to_dict(self) -> dict:
        """As plain JSON types."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict) -> DastmConfig:
        """Inverse of ``to_dict``. Raises TypeError for an unknown name."""
        return cls(
            **{
                name: tuple(value) if isinstance(value, list) else value
                for name, value in values.items()
            }
        )


class Dastm(nn.Module):
    """Memory branch with label map and dynamic attention, query branch, reader, head.

    Crops are uint8 [B, S, S, 3] BGR straight from ``core.crop``; normalisation to [-1, 1] and the
    change of layout are part of the network, so that training, export and inference share them.
    """

    def __init__(self, config: DastmConfig = DastmConfig()):
        super().__init__()
        self.config = config
        self.memory_trunk = MobileOne(config.widths, config.depths, config.branches, config.scale)
        self.query_trunk = MobileOne(config.widths, config.depths, config.branches, config.scale)
        self.label = nn.Conv2d(1, config.widths[0], 3, 2, 1, bias=False)
        self.memory_neck = nn.Conv2d(config.widths[-1], config.channels, 3, padding=1)
        self.query_neck = nn.Conv2d(config.widths[-1], config.channels, 3, padding=1)
        self.attention = DynamicAttention(
            config.channels, config.gate, config.gate_reduction, config.temperature
        )
        self.head = Head(
            2 * config.channels,
            config.head_channels,
            config.head_depth,
            config.head_kind,
            MobileOne.stride,
        )
        nn.init.normal_(self.label.weight, std=0.01)

    def normalise(self, crops: Tensor) -> Tensor:
        """uint8 [B, S, S, 3] → [B, 3, S, S] in [-1, 1], of the weights' dtype."""
        x = crops.to(self.label.weight.dtype).permute(0, 3, 1, 2)
        return x * (1 / 127.5) - 1

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

    def encode(self, crops: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
        """Memory frames to features (eq. 1 of STMTrack, then the dynamic attention).

        Args:
            crops: uint8 [B, S, S, 3]. boxes: float32 [B, 4], x, y, w, h in crop pixels.
        Returns:
            features [B, C, S/8, S/8], gate weights [B, 4].
        """
        return self.attention(self.features(crops, boxes))

    def features(self, crops: Tensor, boxes: Tensor) -> Tensor:
        """Memory features before attention: [B, C, S/8, S/8]."""
        labels = self.label_map(boxes, crops.shape[1]).to(self.label.weight.dtype)
        return self.memory_neck(self.memory_trunk(self.normalise(crops), self.label(labels)))

    def match(self, crops: Tensor, memory: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Query crops uint8 [B, S, S, 3] against memory tokens [B, M, C]: see ``Head.forward``."""
        query = self.query_neck(self.query_trunk(self.normalise(crops)))
        return self.head(read_memory(query, memory))

    def forward(self, memory_crops: Tensor, memory_boxes: Tensor, query_crops: Tensor):
        """One training step: memory [B, T, S, S, 3] and [B, T, 4], query [B, S, S, 3].

        Returns the head's three maps and the gate weights [B, T, 4].
        """
        batch, frames = memory_crops.shape[:2]
        memory, weights = self.encode(memory_crops.flatten(0, 1), memory_boxes.flatten(0, 1))
        memory = tokens(memory).unflatten(0, (batch, frames)).flatten(1, 2)
        return *self.match(query_crops, memory), weights.unflatten(0, (batch, frames))


class Locate(nn.Module):
    """The step that finds the target in one query crop."""

    def __init__(self, network: Dastm):
        super().__init__()
        self.network = network

    def forward(self, crop: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """uint8 [1, Q, Q, 3], tokens [1, M, C] → score [1, h, w] in [0, 1], boxes [1, 4, h, w]."""
        logits, centerness, boxes = self.network.match(crop, memory)
        return (torch.sigmoid(logits) * torch.sigmoid(centerness))[:, 0], boxes


class Remember(nn.Module):
    """The step that encodes one memory crop; only the branch that the gate chose is run."""

    def __init__(self, network: Dastm):
        super().__init__()
        self.network = network

    def forward(self, crop: Tensor, box: Tensor) -> tuple[Tensor, Tensor]:
        """uint8 [1, M, M, 3], box [1, 4] x, y, w, h → tokens [1, h*w, C], gate weights [1, 4]."""
        features, weights = self.network.attention.choose(self.network.features(crop, box))
        return tokens(features), weights


def steps(network: Dastm, tracking: TrackingConfig) -> dict[str, Step]:
    """The two steps that engines run and export writes."""
    channels, cells = network.config.channels, (tracking.memory_size // tracking.stride) ** 2
    query = torch.zeros(1, tracking.query_size, tracking.query_size, 3, dtype=torch.uint8)
    memory = torch.zeros(1, tracking.memory_size, tracking.memory_size, 3, dtype=torch.uint8)
    box = torch.tensor([[0.25, 0.25, 0.5, 0.5]]) * tracking.memory_size
    return {
        "locate": Step(
            Locate(network),
            {"crop": query, "memory": torch.zeros(1, 3 * cells, channels)},
            ("score", "boxes"),
            {"memory": 1},
        ),
        "remember": Step(Remember(network), {"crop": memory, "box": box}, ("tokens", "gate"), {}),
    }
