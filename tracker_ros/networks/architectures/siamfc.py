"""SiamFC (Bertinetto et al., ECCV-W 2016), with DASTSiam's spatio-temporal fusion or without."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...core.config import TrackingConfig
from ..blocks.head import cell_centres
from ..step import Step
from .siamese import Siamese, SiameseConfig, siamese_steps, start


@dataclass(frozen=True)
class SiamfcConfig(SiameseConfig):
    """Sizes of the network; the defaults are SiamFC's, and DASTSiam's for the fusion."""

    backbone: str = "alexnet"
    widths: tuple[int, ...] = (96, 256, 384, 384, 256)
    template_cells: int = 6
    search_size: int = 255  # side of what the trunk sees of a query, pixels
    upsample: int = 16  # of the response
    scale_step: float = 1.0375  # three scales: one step smaller, the same, one step larger
    scale_penalty: float = 0.9745  # factor on the score of a changed scale
    scale_rate: float = 0.59  # share of the new scale in the smoothed one


class Siamfc(Siamese):
    """Trunk, ST on the template, one cross-correlation."""

    def __init__(self, config: SiamfcConfig):
        super().__init__(config)
        self.gain = nn.Parameter(torch.tensor(10.0))  # on the mean of 6·6·256 products
        self.bias = nn.Parameter(torch.zeros(()))

    def _make_neck(self, inputs: int, config: SiamfcConfig) -> nn.Module:
        if inputs == config.channels:  # as SiamFC has it
            return nn.Identity()
        return nn.Conv2d(inputs, config.channels, 1)

    def match(self, crops: Tensor, target: Tensor) -> Tensor:
        """Search crops [B, S, S, 3] in 0 to 255 against f_z* [B, C, k, k]: logits [B, 1, h, w]."""
        search = self.features(crops)
        response = F.conv2d(search.flatten(0, 1)[None], target, groups=len(target))[0][:, None]
        return self.gain / target[0].numel() * response.float() + self.bias

    def forward(self, memory_crops: Tensor, memory_boxes: Tensor, query_crops: Tensor) -> Tensor:
        """One training step, at the template's scale: logits [B, 1, h, w].

        Args:
            memory_crops: T_i, T_a, T_c uint8 [B, 3, M, M, 3]. memory_boxes: not looked at.
            query_crops: uint8 [B, Q, Q, 3], of which the middle ``search_size`` is searched.
        """
        margin = (query_crops.shape[1] - self.config.search_size) // 2
        inner = slice(margin, margin + self.config.search_size)
        return self.match(query_crops[:, inner, inner], self.templates(memory_crops))


def start_with_shape(network: Siamfc, crop: Tensor, box: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """``start`` that keeps the target's shape, which SiamFC never changes.

    uint8 [1, M, M, 3], box [1, 4] x, y, w, h → f_i, f_z*, and w, h over √(w·h) [1, 2].
    """
    sides = box[:, 2:]
    return *start(network, crop, box), sides / sides.prod(1, keepdim=True).sqrt()


def resampling(crop: int, search: int, scale: float) -> Tensor:
    """Bilinear resize of the middle ``scale``·``search`` pixels of a crop to ``search``, one axis.

    Float32 [search, crop]: the rows are the weights of the crop's pixels. Exact for any scale.
    """
    wanted = cell_centres(search, 1, 0) * scale + crop / 2 - 0.5
    pixels = torch.arange(crop, dtype=torch.float32)
    return (1 - (wanted[:, None] - pixels).abs()).clamp_min(0)


class Locate(nn.Module):
    """The step that finds the target in one query crop, at three scales.

    The crop shows the largest of them; the two others are cut out of it and resized in the graph.
    Each cell of the upsampled response takes the scale that scores best there. The scale's
    smoothing is done here, for it needs the scale, so that ``decode`` has to take sizes as they
    are: ``penalty=0`` and ``size_rate=2`` in the tracking configuration.
    """

    def __init__(self, network: Siamfc, tracking: TrackingConfig):
        super().__init__()
        config = network.config
        self.network, self.size = network, tracking.query_size
        self.side = tracking.target_side
        scales = (1.0, 1 / config.scale_step, config.scale_step)
        views = torch.stack([resampling(self.size, config.search_size, scale) for scale in scales])
        device = network.bias.device
        self.register_buffer("scales", torch.tensor(scales, device=device), persistent=False)
        self.register_buffer("views", views.to(device), persistent=False)

    def forward(self, crop: Tensor, target: Tensor, shape: Tensor) -> tuple[Tensor, Tensor]:
        """uint8 [1, Q, Q, 3], f_z* [1, C, k, k], [1, 2] → score [1, h, w], boxes [1, 4, h, w]."""
        config = self.network.config
        planes = crop[0].permute(2, 0, 1).to(self.views.dtype)[None]
        rows, columns = self.views[:, None], self.views.transpose(1, 2)[:, None]
        pyramid = (rows @ planes @ columns).permute(0, 2, 3, 1)  # [3, S, S, 3]
        logits = self.network.match(pyramid, target.expand(3, -1, -1, -1))
        logits = F.interpolate(logits, scale_factor=config.upsample, mode="bicubic")
        scores = torch.sigmoid(logits[:, 0])
        scores = torch.cat([scores[:1], scores[1:] * config.scale_penalty])
        score, best = scores.max(0)  # the first, unchanged scale wins a tie
        scale = self.scales[best]
        step = self.network.query_trunk.stride / config.upsample
        offsets = cell_centres(score.shape[0], 1, 0, crop.device) * step
        sides = self.side * (1 + config.scale_rate * (scale - 1))
        width, height = (0.5 * shape[0, axis] * sides for axis in (0, 1))
        x, y = self.size / 2 + scale * offsets, self.size / 2 + scale * offsets[:, None]
        return score[None], torch.stack([x - width, y - height, x + width, y + height])[None]


def steps(network: Siamfc, tracking: TrackingConfig) -> dict[str, Step]:
    """The three steps that engines run and export writes."""
    if network.config.search_size > tracking.query_size:  # a query's middle is searched
        raise ValueError(
            f"search_size is {network.config.search_size}, more than the query_size"
            f" {tracking.query_size}"
        )
    locate, shape = Locate(network, tracking), {"shape": torch.ones(1, 2)}
    return siamese_steps(network, tracking, start_with_shape, locate, shape)
