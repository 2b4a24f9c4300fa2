"""Labels by centre distance, and the terms of DASTSiam's and SiamFC's losses, by hand."""

import math

import pytest
import torch

from tracker_ros.core.config import TrackingConfig
from tracker_ros.networks.architectures.dastsiam import Dastsiam, RpnMaps, anchor_boxes
from tracker_ros.networks.architectures.siamfc import Siamfc
from tracker_ros.networks.presets import PRESETS
from tracker_ros.training.config import LossConfig
from tracker_ros.training.losses.siamese import (
    anchor_deltas,
    balanced,
    near_centre,
    response_loss,
    rpn_loss,
)
from tracker_ros.training.samples.batches import Batch

HERE = torch.tensor([True])
WEIGHTS = LossConfig(classification=2.0, centerness=3.0, box=1.2)


def centred(x, y, w=20.0, h=10.0):
    return torch.tensor([[x - w / 2, y - h / 2, w, h]])


def test_cells_within_four_squared_cells_of_the_centre_are_positive():
    labels = near_centre(centred(20.0, 20.0), HERE, cells=5, stride=8, size=40)  # on cell 2, 2
    assert labels[0].int().tolist() == [
        [0, 0, 1, 0, 0],
        [0, 1, 1, 1, 0],
        [1, 1, 1, 1, 1],
        [0, 1, 1, 1, 0],
        [0, 0, 1, 0, 0],
    ]


def test_labels_end_at_four_squared_cells_exactly():
    for offset, inside in ((0.0, True), (0.01, False)):
        labels = near_centre(centred(20.0 + offset, 20.0), HERE, 5, 8, 40)
        assert labels[0, 2, 0].item() is inside  # 16 pixels or more to the left
    labels = near_centre(centred(36.0, 12.0), HERE, 5, 8, 40)  # on column 4, row 1
    assert labels[0, 1].int().tolist() == [0, 0, 1, 1, 1] and labels[0, 4].sum() == 0


def test_labels_do_not_depend_on_the_boxs_size_and_absent_targets_have_none():
    boxes = torch.cat([centred(17.0, 22.0, 4, 4), centred(17.0, 22.0, 80, 30)])
    small, large = near_centre(boxes, torch.tensor([True, True]), 5, 8, 40)
    assert torch.equal(small, large) and small.any()
    assert not near_centre(boxes, torch.tensor([False, False]), 5, 8, 40).any()


def test_deltas_are_the_inverse_of_the_anchors_boxes():
    box = torch.tensor([[11.0, 7.0, 30.0, 9.0]])
    deltas = anchor_deltas(box, cells=3, anchor=16.0, stride=8, size=40)
    # Cell 0, 2 has its centre at x 28, y 12.
    wanted = [(26 - 28) / 16, (11.5 - 12) / 16, math.log(30 / 16), math.log(9 / 16)]
    assert deltas[0, :, 0, 2].tolist() == pytest.approx(wanted)
    corners = torch.tensor([11.0, 7, 41, 16])[None, :, None, None].expand(1, 4, 3, 3)
    torch.testing.assert_close(anchor_boxes(deltas, 16.0, 8, 40), corners)


def test_balanced_gives_both_kinds_of_cells_a_half():
    losses = torch.tensor([[1.0, 2.0, 3.0, 10.0]])
    assert balanced(losses, torch.tensor([[False, False, False, True]])).item() == 6.0
    nothing = torch.zeros(1, 4, dtype=torch.bool)
    assert balanced(losses, nothing).item() == 2.0  # the negative half alone


class Answering(torch.nn.Module):
    """A network that answers with given maps."""

    def __init__(self, maps, anchor=16.0):
        super().__init__()
        self.maps = maps
        self.config = type("Config", (), {"anchor": anchor})

    def forward(self, memory, memory_boxes, queries):
        return self.maps


def batch(box, present=True, size=40):
    crops = torch.zeros(1, 1, size, size, 3, dtype=torch.uint8)
    return Batch(crops, box[None], crops, box[None], torch.tensor([present]))


def test_rpn_loss_by_hand():
    """One cell, so that there is one positive and no negative; then the same cell as negative."""
    tracking = TrackingConfig(query_size=40, stride=8)
    box = torch.tensor([[12.0, 16.0, 16.0, 8.0]])  # centred on the cell; the anchor is 16 × 16
    deltas = torch.tensor([0.25, -2.0, 0.0, 0.0])[None, :, None, None]
    maps = RpnMaps(
        torch.tensor([0.0, math.log(3)])[None, :, None, None],  # p1 = .75
        torch.full((1, 1, 1, 1), math.log(4)),  # p2 = .8
        deltas.clone().requires_grad_(),
    )
    terms = rpn_loss(Answering(maps), batch(box), tracking, WEIGHTS)
    cross, binary = -math.log(0.75) / 2, -math.log(0.8) / 2
    # Smooth-L1 of .25, -2, 0 and log 2, which is what the height lacks.
    smooth = 0.25**2 / 2 + 1.5 + math.log(2) ** 2 / 2
    assert terms["classification"].item() == pytest.approx(cross)
    assert terms["confidence"].item() == pytest.approx(binary)
    assert terms["box"].item() == pytest.approx(smooth)
    assert terms["total"].item() == pytest.approx(2 * cross + 3 * binary + 1.2 * smooth)
    assert next(iter(terms)) == "total"
    terms = rpn_loss(Answering(maps), batch(box, present=False), tracking, WEIGHTS)
    assert terms["classification"].item() == pytest.approx(-math.log(0.25) / 2)
    assert terms["confidence"].item() == pytest.approx(-math.log(0.2) / 2)
    assert terms["box"].item() == terms["overlap"].item() == 0


def test_a_perfect_answer_costs_next_to_nothing():
    tracking = TrackingConfig(query_size=56, stride=8)
    box = torch.tensor([[13.0, 19.0, 30.0, 20.0]])
    positive = near_centre(box, HERE, 5, 8, 56).float()
    maps = RpnMaps(
        torch.stack([-20 * (positive - 0.5), 20 * (positive - 0.5)], 1),
        40 * (positive[:, None] - 0.5),
        anchor_deltas(box, 5, 16.0, 8, 56),
    )
    terms = rpn_loss(Answering(maps), batch(box, size=56), tracking, WEIGHTS)
    assert terms["total"].item() < 1e-4 and terms["overlap"].item() == pytest.approx(1, abs=1e-5)


def test_response_loss_by_hand():
    tracking = TrackingConfig(query_size=40, stride=8)
    logits = torch.zeros(1, 1, 7, 7)
    logits[0, 0, 3, 3] = math.log(3)
    terms = response_loss(Answering(logits), batch(centred(20.0, 20.0)), tracking, LossConfig())
    positive = (12 * math.log(2) - math.log(0.75)) / 13
    assert terms["total"].item() == pytest.approx((positive + math.log(2)) / 2)


@pytest.mark.parametrize(("name", "kind"), [("dastsiam", Dastsiam), ("siamfc", Siamfc)])
def test_recipe_of_the_paper(name, kind):
    from tracker_ros.training.recipes import recipe

    training = recipe(name).training
    assert recipe(name).loss is (rpn_loss if kind is Dastsiam else response_loss)
    sampling = training.sampling
    assert (sampling.memory_frames, sampling.adjacent, sampling.max_gap) == (3, True, 50)
    assert (training.optimiser, training.schedule) == ("sgd", "log")
    if kind is Dastsiam:
        assert (training.batch, training.rate) == (12, 0.005)
        assert training.rate * training.final_rate == pytest.approx(0.0005)
        assert training.frozen == pytest.approx(10 / 50)
        assert training.losses.box == 1.2
    assert PRESETS[name].tracking.stride == 8
