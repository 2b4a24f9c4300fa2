import pytest
import torch
from torch import nn

from tracker_ros.core.config import TrackingConfig
from tracker_ros.networks.architectures.ustam import Corners
from tracker_ros.training.config import LossConfig
from tracker_ros.training.losses.corner import corner_loss, giou
from tracker_ros.training.samples.batches import Batch

TRACKING = TrackingConfig(query_size=100, memory_size=50)


class Says(nn.Module):
    """Answers with the same boxes whatever it sees."""

    def __init__(self, boxes):
        super().__init__()
        self.boxes = nn.Parameter(torch.tensor(boxes))

    def forward(self, memory, memory_boxes, queries):
        return Corners(self.boxes, torch.ones(len(self.boxes)))


def batch(boxes, positive):
    empty = torch.zeros(len(boxes), 2, 8, 8, 3, dtype=torch.uint8)
    truth = torch.tensor(boxes)[:, None].expand(-1, 2, -1)
    return Batch(empty, torch.zeros(len(boxes), 2, 4), empty, truth, torch.tensor(positive))


def test_giou_by_hand():
    truth = torch.tensor([[0.0, 0, 2, 2]])
    for box, expected in (
        ((0.0, 0, 2, 2), 1.0),
        ((1.0, 0, 3, 2), 1 / 3),  # the hull holds nothing else
        ((1.0, 1, 3, 3), 1 / 7 - 2 / 9),
        ((4.0, 0, 6, 2), 0 - 4 / 12),  # apart: the further, the worse
        ((8.0, 0, 10, 2), 0 - 12 / 20),
    ):
        assert giou(torch.tensor([box]), truth).item() == pytest.approx(expected, abs=1e-6)


def test_loss_by_hand():
    model = Says([[0.2, 0.2, 0.4, 0.4], [0.0, 0.0, 1.0, 1.0]])
    data = batch([[30.0, 20, 20, 20], [0.0, 0, 100, 100]], [True, True])
    terms = corner_loss(model, data, TRACKING, LossConfig(box=0.4))
    assert terms["l1"].item() == pytest.approx((0.2 / 4 + 0) / 2)
    assert terms["giou"].item() == pytest.approx((1 - 1 / 3 + 0) / 2, abs=1e-5)
    assert terms["total"].item() == pytest.approx(0.025 + 0.4 / 3, abs=1e-5)
    assert terms["overlap"].item() == pytest.approx((1 / 3 + 1) / 2, abs=1e-5)


def test_another_target_teaches_nothing():
    model = Says([[0.2, 0.2, 0.4, 0.4], [0.0, 0.0, 1.0, 1.0]])
    data = batch([[30.0, 20, 20, 20], [0.0, 0, 10, 10]], [True, False])
    corner_loss(model, data, TRACKING, LossConfig())["total"].backward()
    assert model.boxes.grad[0].abs().sum() > 0 and model.boxes.grad[1].abs().sum() == 0
    nothing = corner_loss(
        model, data._replace(positive=torch.zeros(2, dtype=bool)), TRACKING, LossConfig()
    )
    assert nothing["total"].item() == 0
