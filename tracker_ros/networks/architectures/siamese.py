"""The common part of DASTSiam and SiamFC: one trunk, three templates, spatio-temporal fusion.

f_i is the first template and stays, f_c is the newest one, f_a is the fusion's last result. The
paper cuts templates with SiamFC's context margin; here windows are a multiple of √(w·h)
(``core.geometry.crop``), which for a square target is the same window. See docs/papers.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...core.config import TrackingConfig
from ..backbones.by_name import make_backbone, unread
from ..backbones.efficientnet import EfficientNetLite
from ..blocks.convolutions import conv_bn, normalise
from ..blocks.pyramid import PyramidNeck
from ..blocks.reader import tokens
from ..blocks.transformer import Encoder
from ..config import NetworkConfig
from ..step import Step, StepModule, example_crop, example_memory


@dataclass(frozen=True)
class SiameseConfig(NetworkConfig):
    """Sizes of trunk and fusion; the defaults are DASTSiam's."""

    backbone: str = "resnet50"  # see networks/backbones/by_name.py
    widths: tuple[int, ...] = (64, 256, 512, 1024)
    depths: tuple[int, ...] = (3, 4, 6)
    branches: int = 1  # of MobileOne, as the two below
    scale: bool = False
    late_se: int = 0
    channels: int = 256  # d, of templates and search features
    template_cells: int = 8  # side of the middle of the template's map that is kept
    st: bool = True  # spatio-temporal fusion; without it f_i is the template for ever
    heads: int = 4
    ffn: int = 1024
    layers: int = 4
    dropout: float = 0.1

    def idle(self) -> Iterator[tuple[str, str]]:
        yield from unread(self.backbone)
        if not (self.st or getattr(self, "da", False)):
            yield from dict.fromkeys(
                ("heads", "ffn", "layers", "dropout"), "nothing is fused"
            ).items()


class Filter(nn.Sequential):
    """Φ of eq. 1 and 5: twice 3×3 convolution, batch normalisation, ReLU; keeps the shape."""

    def __init__(self, channels: int):
        super().__init__(
            conv_bn(channels, channels, 3), nn.ReLU(), conv_bn(channels, channels, 3), nn.ReLU()
        )


class RpnMaps(NamedTuple):
    """What a training step of DASTSiam returns.

    Attributes:
        logits: [B, 2, h, w], background and target (SiamRPN's branch, cls1). confidence: [B, 1, h,
            w], logits of the added branch (cls2). deltas: [B, 4, h, w], see
            ``dastsiam.anchor_boxes``.
    """

    logits: Tensor
    confidence: Tensor
    deltas: Tensor


def unroll(rows: Tensor, like: Tensor) -> Tensor:
    """Rows [B, H*W, C] as a map [B, C, H, W] of the same sides as ``like``."""
    return rows.transpose(1, 2).unflatten(2, like.shape[2:])


class SpatioTemporal(nn.Module):
    """ST (eq. 1): three templates [B, C, h, w] → the enhanced template f_z* [B, C, h, w]."""

    def __init__(self, config: SiameseConfig):
        super().__init__()
        self.encoder = Encoder(config)
        self.filter = Filter(config.channels)

    def forward(self, initial: Tensor, last: Tensor, current: Tensor) -> Tensor:
        encoded = self.encoder(tokens(current), tokens(last))
        return self.filter(unroll(encoded, initial)) + initial


def middle(features: Tensor, cells: int) -> Tensor:
    """The middle [B, C, cells, cells] of a square map. Raises ValueError if it has no such."""
    margin, odd = divmod(features.shape[2] - cells, 2)
    if odd or margin < 0:
        raise ValueError(f"{features.shape[2]} cells have no middle of template_cells={cells}")
    return features[:, :, margin : margin + cells, margin : margin + cells]


def correlate(search: Tensor, kernel: Tensor) -> Tensor:
    """Depthwise cross-correlation: [B, C, H, W] and [B, C, k, k] → [B, C, H-k+1, W-k+1]."""
    kernels = kernel.flatten(0, 1)[:, None]
    joined = F.conv2d(search.flatten(0, 1)[None], kernels, groups=len(kernels))
    return joined[0].unflatten(0, search.shape[:2])


class Siamese(nn.Module):
    """One trunk for template and search crops, and ST over the templates.

    Crops are uint8 [B, S, S, 3] BGR straight from ``core.geometry.crop``.
    """

    def __init__(self, config: SiameseConfig):
        super().__init__()
        self.config = config
        self.query_trunk = trunk = make_backbone(config)
        if isinstance(trunk, EfficientNetLite):
            self.neck: nn.Module = PyramidNeck(trunk.levels, config.channels, labelled=False)
        else:
            self.neck = self._make_neck(trunk.channels, config)
        self.fusion = None
        if config.st:
            self.fusion = self._make_fusion(config)
            self.memory_frames = 3  # of a training sample; without ST the first alone is looked at

    def _make_neck(self, inputs: int, config: SiameseConfig) -> nn.Module:
        raise NotImplementedError

    def _make_fusion(self, config: SiameseConfig) -> nn.Module:
        return SpatioTemporal(config)

    def features(self, crops: Tensor) -> Tensor:
        """uint8 [B, S, S, 3] → [B, C, cells(S), cells(S)]."""
        dtype = next(self.query_trunk.parameters()).dtype
        return self.neck(self.query_trunk(normalise(crops, dtype)))

    def template(self, crops: Tensor) -> Tensor:
        """Template crops uint8 [B, M, M, 3] → [B, C, k, k], the middle ``template_cells``."""
        return middle(self.features(crops), self.config.template_cells)

    def fuse(self, initial: Tensor, last: Tensor, current: Tensor) -> Tensor:
        """f_z* of f_i, f_a and f_c, all [B, C, k, k]; f_i itself without ST."""
        return initial if self.fusion is None else self.fusion(initial, last, current)

    def template_side(self, size: int) -> int:
        """Cells along a side of ``template``'s map for a crop of ``size`` pixels."""
        return self.config.template_cells

    def templates(self, crops: Tensor) -> Tensor:
        """f_z* [B, C, k, k] of a training sample: T_i, T_a, T_c, uint8 [B, 3, M, M, 3]."""
        if self.fusion is None:
            return self.template(crops[:, 0])
        features = self.template(crops.flatten(0, 1)).unflatten(0, crops.shape[:2])
        return self.fuse(*features.unbind(1))


def start(network: Siamese, crop: Tensor, box: Tensor) -> tuple[Tensor, Tensor]:
    """uint8 [1, M, M, 3], box [1, 4] → f_i and f_z*, [1, C, k, k]; the crop alone counts.

    All three templates are the first crop's (sec. 2.3).
    """
    initial = network.template(crop)
    return initial, network.fuse(initial, initial, initial)


def remember(
    network: Siamese, crop: Tensor, box: Tensor, initial: Tensor, target: Tensor
) -> tuple[Tensor]:
    """uint8 [1, M, M, 3], box [1, 4], f_i and f_z* [1, C, k, k] → the new f_z*.

    f_a is the last f_z*, f_c the crop's template.
    """
    return (network.fuse(initial, target, network.template(crop)),)


def siamese_steps(
    network: Siamese,
    tracking: TrackingConfig,
    begin: Callable[..., tuple[Tensor, ...]],
    locate: nn.Module,
    kept: dict[str, Tensor] | None = None,
) -> dict[str, Step]:
    """The three steps.

    ``kept``: examples of what ``begin`` returns beside the templates and ``locate`` takes.
    """
    side, kept = network.template_side(tracking.memory_size), kept or {}
    initial, target = torch.zeros(2, 1, network.config.channels, side, side)
    template = example_memory(tracking.memory_size)
    query = {"crop": example_crop(tracking.query_size), "target": target, **kept}
    known = {**template, "initial": initial, "target": target}
    return {
        "start": Step(StepModule(network, begin), template, ("initial", "target", *kept)),
        "locate": Step(locate, query, ("score", "boxes")),
        "remember": Step(StepModule(network, remember), known, ("target",)),
    }
