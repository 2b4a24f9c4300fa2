"""STIF: spatio-temporal interactive fusion (Huang et al., Frontiers in Physics 2023)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ...core.config import TrackingConfig
from ...core.errors import ModelError
from ..blocks.attention import SpatialAttention
from ..blocks.reader import attend, read_memory, shares, tokens
from ..step import Step, StepModule, example_memory
from .stmtrack import Maps, Stmtrack, StmtrackConfig, locate

T = 3  # memory frames besides the first frame of all


@dataclass(frozen=True)
class StifConfig(StmtrackConfig):
    """Sizes of the network; the defaults are the paper's.

    Memory and query crops must be of one size: eq. 11 joins their maps cell by cell.
    """

    literal: bool = False  # eq. 6 as printed: the query's mask is made of the memory's features
    ste: bool = True  # the memory's enhancement in time and space; without it (Table 1) frames are
    # read side by side as STMTrack does, or, where fusion needs one map, averaged
    sde: bool = True  # the query's enhancement in space
    interactive: bool = True  # fusion both ways (STIF); without it STMTrack's reader

    def idle(self) -> Iterator[tuple[str, str]]:
        yield from super().idle()
        if not self.sde:
            yield "literal", "sde is false"


def enhance_in_time(anchor: Tensor, recent: Tensor) -> Tensor:
    """Temporal enhancement (eq. 2 and 3): each cell weighs the frames by likeness to the first.

    ω_i(p) = softmax over i of ⟨F_i(p), F_0(p)⟩ / √C, "to each time and location". The paper does
    not say over what the softmax runs; only over the frames does eq. 2 give a mean of them.

    Args:
        anchor: features of the first frame [B, C, h, w]. recent: of the T frames [B, T, C, h, w].
    Returns:
        [B, C, h, w].
    """
    return (time_shares(anchor, recent) * recent).sum(1)


def time_shares(anchor: Tensor, recent: Tensor) -> Tensor:
    """ω of ``enhance_in_time``: [B, T, 1, h, w], over the frames it sums to 1."""
    likeness = (recent * anchor[:, None]).sum(2, keepdim=True) / anchor.shape[1] ** 0.5
    return likeness.softmax(1)


class GatedAttention(nn.Module):
    """One branch of the interactive fusion: attention, gating unit, 3×3 convolution (eq. 8 to 10).

    The paper names the gating unit without describing it; here the readout decides by a 1×1
    convolution and a sigmoid how much of itself goes on. The 3×3 convolution starts as the
    identity, so that a head that has learnt to read STMTrack's readout can go on from there.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.gate = nn.Conv2d(channels, channels, 1)
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.dirac_(self.conv.weight)
        nn.init.zeros_(self.conv.bias)

    def forward(self, query: Tensor, memory: Tensor) -> Tensor:
        """Both [B, C, h, w]: every cell of ``query`` gathers cells of ``memory``; as ``query``."""
        read = attend(tokens(query), tokens(memory)).transpose(1, 2).unflatten(2, query.shape[2:])
        return self.conv(read * torch.sigmoid(self.gate(read)))


class Stif(Stmtrack):
    """STMTrack whose memory is enhanced in time and space and fused with the query both ways."""

    def __init__(self, config: StifConfig):
        super().__init__(config)
        if config.literal and not (config.ste or config.interactive):
            raise ValueError("literal=True makes the query's mask of one memory map: ste or stif")
        self.memory_spatial = SpatialAttention() if config.ste else None
        self.query_spatial = SpatialAttention() if config.sde else None
        if config.interactive:
            self.memory_fusion = GatedAttention(config.channels)
            self.query_fusion = GatedAttention(config.channels)

    def remember(self, anchor: Tensor, recent: Tensor) -> Tensor:
        """Enhanced memory (eq. 1): temporal (eq. 2, 3), then spatial enhancement (eq. 4, 5).

        [B, C, h, w] and [B, T, C, h, w] → [B, C, h, w]; without STE and without fusion the frames
        below each other, [B, C, (1 + T)·h, w].
        """
        if self.memory_spatial is not None:
            return self.memory_spatial(enhance_in_time(anchor, recent))
        frames = torch.cat([anchor[:, None], recent], 1)
        return frames.mean(1) if self.config.interactive else frames.transpose(1, 2).flatten(2, 3)

    def enhance_query(self, query: Tensor, memory: Tensor) -> Tensor:
        """Spatial enhancement of the query (eq. 6, 7): [B, C, h, w].

        Printed, eq. 6 pools the memory's features; the text says the query's own.
        """
        if self.query_spatial is None:
            return query
        if self.config.literal:
            return query * self.query_spatial.mask(memory)
        return self.query_spatial(query)

    def fuse_branches(self, query: Tensor, memory: Tensor) -> Tensor:
        """Interactive fusion (eq. 9 to 11): [B, C, h, w] twice → [B, 2C, h, w].

        The first half is what the query's cells read in the memory, the second what the memory's
        cells read in the query. Without it, what STMTrack reads.
        """
        if not self.config.interactive:
            return read_memory(query, tokens(memory))
        return torch.cat([self.memory_fusion(query, memory), self.query_fusion(memory, query)], 1)

    def look(self, crops: Tensor, memory: Tensor) -> Tensor:
        """What every query cell takes of every memory cell (eq. 8): [B, N, M], rows sum to 1."""
        query = self.enhance_query(self.query(crops), memory)
        return shares(tokens(query), tokens(memory))

    def match(self, crops: Tensor, memory: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Query crops uint8 [B, S, S, 3] against enhanced memory [B, C, h, w]: see ``Head``."""
        query = self.enhance_query(self.query(crops), memory)
        return self.head(self.fuse_branches(query, memory), crops.shape[1])

    def forward(self, memory_crops: Tensor, memory_boxes: Tensor, query_crops: Tensor) -> Maps:
        """One training step: memory [B, 1+T, S, S, 3] and [B, 1+T, 4], the first frame first.

        Queries [B·K, S, S, 3]. Raises ModelError where the crops differ in size.
        """
        check_sizes(memory_crops.shape[2], query_crops.shape[1])
        batch = memory_crops.shape[:2]
        features = self.features(memory_crops.flatten(0, 1), memory_boxes.flatten(0, 1))
        features = features.unflatten(0, batch)
        memory = self.remember(features[:, 0], features[:, 1:])
        memory = memory.repeat_interleave(len(query_crops) // batch[0], 0)
        return Maps(*self.match(query_crops, memory))


def check_sizes(memory: int, query: int) -> None:
    """Raise ModelError unless the crops, and so the maps, are of one size."""
    if memory != query:
        raise ModelError(
            "STIF joins the maps of memory and query cell by cell, but memory_size is "
            f"{memory} and query_size {query}"
        )


def start(network: Stif, crop: Tensor, box: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """uint8 [1, M, M, 3], box [1, 4] → anchor, recent frames and enhanced memory.

    The frame is all T frames until there are others.
    """
    anchor = network.features(crop, box)
    recent = anchor[:, None].expand(-1, T, -1, -1, -1).clone()
    return anchor, recent, network.remember(anchor, recent)


def shift(
    network: Stif, crop: Tensor, box: Tensor, anchor: Tensor, recent: Tensor
) -> tuple[Tensor, Tensor]:
    """uint8 [1, M, M, 3], box [1, 4], anchor, recent → recent frames, the oldest gone; memory."""
    recent = torch.cat([recent[:, 1:], network.features(crop, box)[:, None]], 1)
    return recent, network.remember(anchor, recent)


def steps(network: Stif, tracking: TrackingConfig) -> dict[str, Step]:
    """The three steps; they carry ``anchor`` [1, C, h, w], ``recent`` [1, T, C, h, w], ``memory``.

    Raises ModelError where memory and query crops differ in size.
    """
    check_sizes(tracking.memory_size, tracking.query_size)
    cells = network.memory_cells(tracking.memory_size)
    features = torch.zeros(1, network.config.channels, cells, cells)
    recent = torch.zeros(1, T, *features.shape[1:])
    with torch.no_grad():
        memory = network.remember(features, recent)
    example = example_memory(tracking.memory_size)
    query = {"crop": example["crop"], "memory": memory}
    known = {**example, "anchor": features, "recent": recent}
    names = ("anchor", "recent", "memory")
    return {
        "start": Step(StepModule(network, start), example, names),
        "locate": Step(StepModule(network, locate), query, ("score", "boxes")),
        "remember": Step(StepModule(network, shift), known, names[1:]),
    }
