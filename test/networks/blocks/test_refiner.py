"""The refiner of boxes: shapes, what it says before training, and that it learns to compare."""

import pytest

torch = pytest.importorskip("torch")

from torch.nn import functional as F  # noqa: E402

from tracker_ros.core.online.reference import REGION  # noqa: E402
from tracker_ros.networks.blocks.refiner import BoxRefiner  # noqa: E402

SIDE = 16 / 3


def test_untrained_it_keeps_place_and_shape():
    torch.manual_seed(0)
    refiner = BoxRefiner(6, 8, 8)
    shape = torch.tensor([[0.1, -0.1], [0.0, 0.2]])
    box, spread, present = refiner(
        torch.rand(2, 6, REGION, REGION), shape, torch.rand(2, 6, REGION, REGION), SIDE
    )
    assert torch.equal(box[:, :2], torch.zeros(2, 2)) and torch.equal(box[:, 2:], shape)
    assert spread.shape == (2, 4) and torch.isfinite(spread).all()
    assert torch.equal(present, torch.zeros(2))  # it may be there or not


def test_it_learns_where_views_went():
    """Regions that are the reference moved by whole cells: the offset is in the correlation."""
    torch.manual_seed(1)
    refiner, shape = BoxRefiner(6, 8, 16), torch.zeros(16, 2)
    nothing = torch.randn(16, 6, REGION, REGION)
    optimiser = torch.optim.Adam(refiner.parameters(), 3e-3)
    reference, moves = torch.randn(16, 6, REGION, REGION), torch.randint(-2, 3, (16, 2))
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
