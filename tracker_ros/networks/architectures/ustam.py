"""USTAM: unified spatio-temporal attention MixFormer (anonymous, under review), on MixViT.

The search region's attention map of the last block at time t - 1 guides the first block at t.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ...core.config import TrackingConfig
from ...core.errors import ModelError
from ..blocks.convolutions import normalise
from ..blocks.corner import CornerHead
from ..blocks.vit import Block, position_code
from ..config import NetworkConfig
from ..step import Step, StepModule, example_crop, example_memory

TEMPLATES = 2  # the first, and one that is renewed


@dataclass(frozen=True)
class UstamConfig(NetworkConfig):
    """Sizes of the network; the defaults are USTAM-Base at 288 px."""

    channels: int = 768
    depth: int = 12
    heads: int = 12
    query_size: int = 288  # pixels: the spatial attention's linear layer depends on it
    template_size: int = 128
    patch: int = 16  # pixels a side of one token
    head_channels: int = 384
    learned_code: bool = False  # of tokens' places, as DINOv2's; else MAE's sine and cosine
    corner_place: float = 0.0  # of a corner in its cell of the heat map; 0 as in MixViT
    drop_path: float = 0.0  # share of samples without the last block, in training
    temporal: bool = True  # eq. 4, in the first block
    spatial: bool = True  # eq. 6, in the last block
    literal: bool = False  # eq. 6 as printed: what it subtracts cancels in the softmax

    retired = (("widths", ()), ("depths", ()))

    def idle(self) -> Iterator[tuple[str, str]]:
        if not self.spatial:
            yield "literal", "spatial is false"


class Corners(NamedTuple):
    """What a training step returns: boxes [B, 4], l, t, r, b in [0, 1]; scores [B]."""

    boxes: Tensor
    scores: Tensor


class Ustam(nn.Module):
    """Patch embedding, mixed-attention blocks, corner head.

    Crops are uint8 [B, S, S, 3] BGR straight from ``core.geometry.crop``.
    """

    memory_frames = TEMPLATES  # of a training sample

    def __init__(self, config: UstamConfig):
        super().__init__()
        self.config = config
        c, n = config.channels, config.query_size // config.patch
        self.embedding = nn.Conv2d(3, c, config.patch, config.patch)
        for name, cells in (("template_code", config.template_size // config.patch), ("code", n)):
            code = position_code(cells, c)
            if config.learned_code:
                self.register_parameter(name, nn.Parameter(code))
            else:
                self.register_buffer(name, code, persistent=False)
        # ``drop_path`` grows from 0 at the first block to its value at the last.
        drops = (config.drop_path * i / max(config.depth - 1, 1) for i in range(config.depth))
        self.blocks = nn.ModuleList(Block(c, config.heads, drop) for drop in drops)
        if config.spatial:
            self.spatial = nn.Linear(n * n, n * n)  # one for all heads
            nn.init.zeros_(self.spatial.weight)  # a fresh network attends as MixViT does
            nn.init.zeros_(self.spatial.bias)
        self.head = CornerHead(c, config.head_channels, config.corner_place)

    def backbones(self) -> list[nn.Module]:
        """What a pre-trained backbone is copied into: all of the ViT."""
        parts = {"embedding": self.embedding, "blocks": self.blocks}
        if self.config.learned_code:
            codes = {"template_code": self.template_code, "code": self.code}
            parts["codes"] = nn.ParameterDict(codes)
        return [nn.ModuleDict(parts)]

    def embed(self, crops: Tensor, code: Tensor) -> Tensor:
        """uint8 [B, S, S, 3] → tokens [B, n, C]."""
        x = normalise(crops, self.embedding.weight.dtype)
        return self.embedding(x).flatten(2).transpose(1, 2) + code

    def remember(self, crops: Tensor) -> Tensor:
        """Template crops uint8 [B, 2, M, M, 3] → cache [B, depth, 2, heads, m, C/heads].

        The cache holds each block's keys and values of the templates.
        """
        x = self.embed(crops.flatten(0, 1), self.template_code)
        x = x.unflatten(0, (-1, TEMPLATES)).flatten(1, 2)
        cache = []
        for block in self.blocks:
            x, key, value = block.templates(x)
            cache.append(torch.stack([key, value], 1))
        return torch.stack(cache, 1)

    def match(self, crops: Tensor, cache: Tensor, past: Tensor) -> tuple[Corners, Tensor]:
        """Search crops uint8 [B, S, S, 3] → corners, and the map [B, heads, n, n] for the next.

        ``past`` is the map of the frame before, zeros at t = 0.
        """
        return self._match(crops, cache, past)[:2]

    def look(self, crops: Tensor, cache: Tensor, past: Tensor) -> Tensor:
        """The last block's map, emphasised: [B, heads, n, m + n], the templates' columns first."""
        return self._match(crops, cache, past)[2]

    def _match(self, crops: Tensor, cache: Tensor, past: Tensor) -> tuple[Corners, Tensor, Tensor]:
        x = self.embed(crops, self.code)
        last, used = len(self.blocks) - 1, past
        for index, block in enumerate(self.blocks):

            def change(attention: Tensor, index: int = index) -> tuple[Tensor, Tensor]:
                if index == 0 and self.config.temporal:
                    attention = guided(attention, past)
                if index == last:
                    attention = self._emphasised(attention)
                return attention, attention

            needed = (index == 0 and self.config.temporal) or index == last
            key, value = cache[:, index].unbind(1)
            x, told = block.search(x, key, value, change if needed else None)
            used = told if index == last else used
        side = self.config.query_size // self.config.patch
        x = x.transpose(1, 2).unflatten(2, (side, side))
        return Corners(*self.head(x)), used[..., -used.shape[2] :], used

    def _emphasised(self, attention: Tensor) -> Tensor:
        """The last block's map [B, heads, n, m + n] with spatial attention."""
        n = attention.shape[2]
        templates, search = attention.split([attention.shape[3] - n, n], 3)
        if self.config.spatial:
            search = search + self.spatial(relative(search, self.config.literal))
        return torch.cat([templates, search], 3)

    def forward(self, memory_crops: Tensor, memory_boxes: Tensor, queries: Tensor) -> Corners:
        """One training step: templates [B, 2, M, M, 3], consecutive queries [B, K, S, S, 3].

        The boxes are not used: templates are centred on the target. All queries but the last only
        hand on their map, without gradient.
        """
        cache = self.remember(memory_crops)
        cells = self.code.shape[0]
        past = cache.new_zeros(len(queries), self.config.heads, cells, cells)
        with torch.no_grad():
            for index in range(queries.shape[1] - 1):
                past = self.match(queries[:, index], cache, past)[1]
        return self.match(queries[:, -1], cache, past)[0]


def guided(attention: Tensor, past: Tensor) -> Tensor:
    """Temporal attention, G ⊗ (1 + G_sp) (eq. 4); templates' columns stay as they are.

    Args:
        attention: [B, heads, n, m + n]. past: [B, heads, n, n]; the factor is kept at 0 or above.
    """
    n = attention.shape[2]
    templates, search = attention.split([attention.shape[3] - n, n], 3)
    return torch.cat([templates, search * (1 + past).clamp_min(0)], 3)


def relative(search: Tensor, literal: bool) -> Tensor:
    """Softmax of the scores relative to their average (eq. 6): [B, heads, n, n] → the same.

    As printed, the largest column mean is subtracted everywhere, which a softmax does not see;
    instead every column's own mean is. ``literal`` gives the printed form.
    """
    mean = search.mean(2, keepdim=True)
    if literal:
        mean = mean.amax(3, keepdim=True)
    return torch.softmax(search - mean, 3)


def start(network: Ustam, crop: Tensor, box: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """uint8 [1, M, M, 3], box [1, 4] (unused) → first template, cache, map of zeros."""
    cache = network.remember(torch.stack([crop, crop], 1))
    cells = network.code.shape[0]
    return crop.clone(), cache, cache.new_zeros(1, network.config.heads, cells, cells)


def locate(
    network: Ustam, crop: Tensor, cache: Tensor, past: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """uint8 [1, S, S, 3] → score [1, 1, 1], boxes [1, 4, 1, 1] in crop pixels, map."""
    corners, now = network.match(crop, cache, past)
    return corners.scores[:, None, None], (corners.boxes * crop.shape[1])[..., None, None], now


def renew(network: Ustam, crop: Tensor, box: Tensor, first: Tensor) -> tuple[Tensor]:
    """The second template: uint8 [1, M, M, 3], box [1, 4] (unused), first template → cache."""
    return (network.remember(torch.stack([first, crop], 1)),)


def steps(network: Ustam, tracking: TrackingConfig) -> dict[str, Step]:
    """The three steps that engines run and export writes."""
    sizes = (network.config.query_size, network.config.template_size)
    if sizes != (tracking.query_size, tracking.memory_size):
        raise ModelError(
            f"the network is made for crops of {sizes[0]} and {sizes[1]} pixels, its tracking "
            f"config says {tracking.query_size} and {tracking.memory_size}"
        )
    given = example_memory(sizes[1])
    with torch.no_grad():
        first, cache, past = start(network, *given.values())
    query = {"crop": example_crop(sizes[0]), "cache": cache, "past": past}
    return {
        "start": Step(StepModule(network, start), given, ("first", "cache", "past")),
        "locate": Step(StepModule(network, locate), query, ("score", "boxes", "past")),
        "remember": Step(StepModule(network, renew), given | {"first": first}, ("cache",)),
    }
