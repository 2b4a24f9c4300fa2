"""DASTM: dynamic attention in a spatio-temporal memory network (Zhou et al.)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from ...core.config import TrackingConfig
from ..blocks.gate import DynamicAttention, unread
from ..blocks.reader import tokens
from ..step import Step, StepModule, example_memory
from .stmtrack import Stmtrack, StmtrackConfig, locate_step


@dataclass(frozen=True)
class DastmConfig(StmtrackConfig):
    """Sizes of the network; the preset ``dastm_paper`` has the paper's."""

    backbone: str = "mobileone"
    widths: tuple[int, ...] = (48, 48, 128, 256)  # MobileOne-S0
    depths: tuple[int, ...] = (2, 5, 6)  # S0 has (2, 8, 10): shortened for two CPU cores
    channels: int = 128
    head_channels: int = 128
    head_depth: int = 3
    head_kind: str = "separable"
    gate: str = "hard"  # see networks/blocks/gate.py: MODES
    gate_reduction: int = 4  # d
    temperature: float = 1.0  # tau

    def idle(self) -> Iterator[tuple[str, str]]:
        yield from super().idle()
        yield from unread(self.gate)


class Dastm(Stmtrack):
    """STMTrack with dynamic attention on each memory frame's features."""

    def _make_attention(self, config: DastmConfig) -> None:
        self.attention = DynamicAttention(
            config.channels, config.gate, config.gate_reduction, config.temperature
        )

    def encode(self, crops: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
        """See ``Stmtrack.encode``."""
        return self.attention(self.features(crops, boxes))


def remember(network: Dastm, crop: Tensor, box: Tensor) -> tuple[Tensor, Tensor]:
    """uint8 [B, M, M, 3], box [B, 4] x, y, w, h → tokens [B, h*w, C], gate weights [B, 4].

    Only the branch that the gate chose is run.
    """
    features, weights = network.attention.choose(network.features(crop, box))
    return tokens(features), weights


def steps(network: Dastm, tracking: TrackingConfig) -> dict[str, Step]:
    """The two steps that engines run and export writes."""
    example = example_memory(tracking.memory_size)
    return {
        "locate": locate_step(network, tracking),
        "remember": Step(StepModule(network, remember), example, ("tokens", "gate")),
    }
