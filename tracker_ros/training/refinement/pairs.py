"""Pairs for the refiner, from what the trunk sees of samples: the target, and what is like it."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from ...core.online.reference import REGION

PLACE, FARTHER = 0.06, 0.15  # of a place that is found, in sides of the target; Student's t
OFTEN = 0.75  # share of places with the lesser one
BESIDE = 0.75  # widths and heights of the target from its centre: there is something else
CORE = 4  # cells along a side of the middle of a reference, which rivals are like
CHANCE = 0.25  # share of rivals that are anywhere


class Pairs(NamedTuple):
    """N pairs of regions.

    Attributes:
        reference, region: float32 [N, W, R, R]. shape: float32 [N, 2]; see ``BoxRefiner``.
        truth: float32 [N, 4], what the refiner shall answer.
        cover: float32 [N], share of the target that cannot be seen; 1: it is not there.
    """

    reference: Tensor
    shape: Tensor
    region: Tensor
    truth: Tensor
    cover: Tensor


def make_pairs(
    embedded: Tensor, truths: Tensor, covers: Tensor, side: float, chance: torch.Generator
) -> Pairs:
    """About where the target is in each later look, and at a rival of it in each: 2·B·Q pairs.

    Args:
        embedded: float32 [B, 1 + Q, W, n, n], of the first look and Q later ones.
        truths: float32 [B, 1 + Q, 4]; see ``TargetCrop.truth``. covers: float32 [B, 1 + Q].
        side: cells along a target of the scale that crops are made for. chance: of the CPU.
    """
    count, looks = embedded.shape[0], embedded.shape[1] - 1
    reference, later = regions(embedded[:, 0], truths[:, 0, :2]), embedded[:, 1:]
    boxes, hidden = truths[:, 1:], covers[:, 1:]
    sides = side * boxes[..., 2:].mean(-1, keepdim=True).exp()
    wrong = torch.randn(count, looks, 2, generator=chance)  # Student's t, 4 degrees of freedom
    wrong = wrong / torch.randn(count, looks, 2, 4, generator=chance).square().mean(-1).sqrt()
    often = torch.rand(count, looks, 1, generator=chance) < OFTEN
    wrong = (wrong * torch.where(often, PLACE, FARTHER)).to(sides)
    places = (boxes[..., :2] + wrong * sides).clamp(0, embedded.shape[-1])
    rivals = rival_places(reference.detach(), later.detach(), boxes, hidden, side, chance)
    both = torch.cat([places, rivals], 1)
    region = regions(torch.cat([later, later], 1).flatten(0, 1), both.flatten(0, 1))
    truth = torch.cat([boxes[..., :2] - places, boxes[..., 2:]], -1)
    return Pairs(
        reference.repeat_interleave(2 * looks, 0),
        truths[:, 0, 2:].repeat_interleave(2 * looks, 0),
        region,
        torch.cat([truth, truth], 1).flatten(0, 1),
        torch.cat([hidden, torch.ones_like(hidden)], 1).flatten(),
    )


def regions(features: Tensor, places: Tensor) -> Tensor:
    """``core.online.reference.around``, of B grids [B, C, n, n] at places [B, 2]."""
    cells = features.shape[-1]
    steps = torch.arange(REGION, device=features.device) - REGION / 2
    at = 2 * (places[:, :, None] + steps) / (cells - 1) - 1  # [B, 2, R]; -1 and 1: outer cells
    grid = torch.stack(
        [at[:, 0, None, :].expand(-1, REGION, -1), at[:, 1, :, None].expand(-1, -1, REGION)], -1
    )
    return F.grid_sample(features, grid, align_corners=True)


def rival_places(
    reference: Tensor,
    later: Tensor,
    boxes: Tensor,
    hidden: Tensor,
    side: float,
    chance: torch.Generator,
) -> Tensor:
    """Where something else is most like the middle of the reference: [B, Q, 2], in cells.

    Where the target is not there at all (``hidden`` 1), that is anywhere.
    """
    count, looks, _, cells, _ = later.shape
    rim = (REGION - CORE) // 2
    core = F.normalize(reference[:, :, rim:-rim, rim:-rim].flatten(2), dim=1)
    alike = torch.einsum("bck,bqcn->bqkn", core, F.normalize(later, dim=2).flatten(3))
    alike = F.pad(alike.unflatten(3, (cells, cells)), (CORE // 2,) * 4)
    places = cells + 1  # between cells, as the middle of a core of an even number is
    total = sum(
        alike[:, :, k, k // CORE : k // CORE + places, k % CORE : k % CORE + places]
        for k in range(CORE**2)
    )
    anywhere = torch.rand(count, looks, 1, 1, generator=chance) < CHANCE
    by_chance = CORE**2 * torch.rand(count, looks, places, places, generator=chance)
    total = torch.where(anywhere.to(total.device), by_chance.to(total), total)
    at = torch.arange(places, device=later.device)
    near = (at - boxes[..., :2, None]).abs() < BESIDE * side * boxes[..., 2:, None].exp()
    taken = near[:, :, 1, :, None] & near[:, :, 0, None, :] & (hidden < 1)[..., None, None]
    best = total.masked_fill(taken, -1.0).flatten(2).argmax(-1)
    return torch.stack([best % places, best // places], -1).to(later.dtype)
