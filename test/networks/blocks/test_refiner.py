"""The refiner of boxes: shapes, what it says before training, and that it learns to compare."""

import pytest

torch = pytest.importorskip("torch")

from torch.nn import functional as F  # noqa: E402

from tracker_ros.core.online.reference import REGION  # noqa: E402
from tracker_ros.networks.blocks.refiner import STRONG, BoxRefiner, detailed  # noqa: E402

SIDE = 16 / 3


def test_untrained_it_keeps_place_and_shape():
    torch.manual_seed(0)
    refiner = BoxRefiner(6, 2, 8, 8)
    shape = torch.tensor([[0.1, -0.1], [0.0, 0.2]])
    box, spread, present = refiner(
        torch.rand(2, 8, REGION, REGION), shape, torch.rand(2, 8, REGION, REGION), SIDE
    )
    assert torch.equal(box[:, :2], torch.zeros(2, 2)) and torch.equal(box[:, 2:], shape)
    assert spread.shape == (2, 4) and torch.isfinite(spread).all()
    assert torch.equal(present, torch.zeros(2))  # it may be there or not


def test_it_learns_where_views_went():
    """Regions that are the reference moved by whole cells: the offset is in the correlation."""
    torch.manual_seed(1)
    refiner, shape = BoxRefiner(6, 2, 8, 16), torch.zeros(16, 2)
    nothing = torch.randn(16, 8, REGION, REGION)
    optimiser = torch.optim.Adam(refiner.parameters(), 3e-3)
    reference, moves = torch.randn(16, 8, REGION, REGION), torch.randint(-2, 3, (16, 2))
    pairs = zip(reference, moves.tolist(), strict=True)
    region = torch.stack([part.roll((y, x), (1, 2)) for part, (x, y) in pairs])
    errors = []
    for _ in range(100):
        box, spread, there = refiner(reference, shape, region, SIDE)
        *_, absent = refiner(reference, shape, nothing, SIDE)
        away = (box[:, :2] - moves).abs()
        loss = (away * torch.exp(-spread[:, :2]) + spread[:, :2]).mean()
        loss = loss + (F.softplus(-there) + F.softplus(absent)).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        errors.append(away.mean().item())
    assert errors[-1] < 0.3 * errors[0]
    assert there.min() > absent.max()


def test_details_reach_the_cells_that_they_are_of():
    """The quarters of a cell, of the fine level and of colours, change this cell alone."""
    torch.manual_seed(3)
    refiner, features = BoxRefiner(6, 2, 8, 8), torch.zeros(1, 6, 14, 14)
    image, fine = torch.zeros(1, 3, 112, 112), torch.rand(1, 2, 28, 28)
    details = detailed(image, fine)
    assert details.shape == (1, 2 + 3, 28, 28) and details[:, 2:].abs().max() == 0
    assert details[:, :2].mean((2, 3)).abs().max() < 1e-5
    assert details[:, :2].square().mean().sqrt().item() == pytest.approx(STRONG / 2**0.5, rel=1e-3)
    image[:, 2, 8 * 5 + 4 : 8 * 6, 8 * 3 : 8 * 3 + 4] = 1  # the lower left quarter of one cell
    coloured = detailed(image, fine)
    assert coloured[0, 4, 11, 6] == 1 and coloured[:, 2:].sum() == 1
    plain, other = (refiner.embedded(features, part) for part in (details, coloured))
    changed = (plain - other).abs().sum((0, 1)) > 1e-6
    assert plain.shape == (1, 8, 14, 14) and changed.nonzero().tolist() == [[5, 3]]


def test_it_learns_that_another_colour_is_another_thing():
    """Nothing but colours differs: features and fine level say nothing."""
    torch.manual_seed(2)
    refiner, shape = BoxRefiner(2, 1, 8, 8), torch.zeros(32, 2)
    optimiser = torch.optim.Adam(refiner.parameters(), 3e-3)

    def regions(colours):
        image = colours[:, :, None, None].expand(-1, -1, 8 * REGION, 8 * REGION)
        details = detailed(image, torch.zeros(32, 1, 2 * REGION, 2 * REGION))
        return refiner.embedded(torch.zeros(32, 2, REGION, REGION), details)

    for _ in range(150):
        first, other = torch.rand(2, 32, 3) * 2 - 1
        light = first * (1 + 0.1 * torch.randn(32, 1))
        different = (first - other).abs().sum(1) > 1
        *_, there = refiner(regions(first), shape, regions(light), SIDE)
        *_, absent = refiner(regions(first), shape, regions(other), SIDE)
        loss = F.softplus(-there).mean() + F.softplus(absent[different]).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert (there > 0).float().mean() > 0.8 > 0.2 > (absent[different] > 0).float().mean()
