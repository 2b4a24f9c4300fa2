import math

import pytest
import torch

from tracker_ros.training.config import LossConfig
from tracker_ros.training.losses.memory import (
    focal,
    gate_balance,
    gate_budget,
    gate_terms,
    iou,
    tracking_loss,
)
from tracker_ros.training.losses.targets import CellTargets, assign


def logit(probability):
    return math.log(probability / (1 - probability))


def test_focal_by_hand():
    logits = torch.tensor([logit(0.8), logit(0.8), logit(0.1)])
    losses = focal(logits, torch.tensor([True, False, True]), alpha=0.75, gamma=2.0)
    assert losses.tolist() == pytest.approx(
        [
            0.75 * 0.2**2 * -math.log(0.8),
            0.25 * 0.8**2 * -math.log(0.2),
            0.75 * 0.9**2 * -math.log(0.1),
        ]
    )


def test_focal_stays_finite_for_any_logit():
    logits = torch.tensor([-1e4, 1e4], requires_grad=True)
    losses = focal(logits, torch.tensor([True, False]), 0.75, 2.0)
    losses.sum().backward()
    assert torch.isfinite(losses).all() and torch.isfinite(logits.grad).all()


def test_iou_by_hand():
    box = torch.tensor([0.0, 0, 10, 10])
    others = torch.tensor([[0.0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30], [2, 2, 4, 7]])
    assert iou(box.expand(4, 4), others).tolist() == pytest.approx([1, 50 / 150, 0, 10 / 100])


def test_gate_balance_is_0_when_all_weigh_alike_and_log_4_when_one_does():
    assert gate_balance(torch.full((4,), 0.25)).item() == pytest.approx(0, abs=1e-6)
    assert gate_balance(torch.eye(4)[1]).item() == pytest.approx(math.log(4), abs=1e-4)
    half = torch.tensor([0.5, 0.5, 0, 0])
    assert gate_balance(half).item() == pytest.approx(math.log(2), abs=1e-4)


def test_gate_balance_pushes_the_favoured_branch_down():
    logits = torch.tensor([2.0, 0, 0, 0], requires_grad=True)
    gate_balance(logits.softmax(0)).backward()
    assert logits.grad[0] > 0 and (logits.grad[1:] < 0).all()


def test_the_gates_terms_are_those_of_its_mean_weights():
    # Balance is asked of the mean: frames may differ as they like.
    gate = torch.eye(4)[:, None].requires_grad_()
    terms = gate_terms(gate, LossConfig())
    assert terms["gate"].item() == pytest.approx(0, abs=1e-6)
    assert [terms[f"gate_{name}"].item() for name in ("skip", "se", "ca", "cbam")] == [0.25] * 4
    fixed = gate_terms(torch.eye(4), LossConfig())
    assert "gate" not in fixed and fixed["gate_ca"] == 0.25  # nothing to learn


COSTS = torch.tensor([0.0, 1.0, 2.0, 4.0])


def test_gate_budget_by_hand():
    shares = torch.tensor([0.1, 0.2, 0.3, 0.4])  # 0.2 + 0.6 + 1.6 = 2.4 ms, of 4 ms at most
    assert gate_budget(shares, COSTS, 0.3).item() == pytest.approx((2.4 - 1.2) / 1.2)
    assert gate_budget(shares, COSTS, 0.6).item() == pytest.approx(0, abs=1e-6)
    assert gate_budget(shares, COSTS, 0.9).item() == 0
    assert gate_budget(shares, 7 * COSTS, 0.3).item() == pytest.approx(1.0)  # of any machine


def test_the_budget_is_monotone():
    shares = torch.tensor([0.1, 0.2, 0.3, 0.4])
    losses = [gate_budget(shares, COSTS, step / 20).item() for step in range(1, 20)]
    assert losses == sorted(losses, reverse=True) and losses[0] > losses[5] > losses[-1] == 0
    dearer = [gate_budget(shares.roll(-i), COSTS, 0.1).item() for i in (1, 0)]
    assert dearer[0] < dearer[1]


def test_the_budget_moves_weight_from_dear_to_cheap_branches():
    logits = torch.zeros(4, requires_grad=True)
    config = LossConfig(gate_balance=0.0, gate_budget=1.0, gate_costs=tuple(COSTS.tolist()))
    terms = gate_terms(logits.softmax(0)[None], config)
    terms["gate"].backward()
    assert terms["over_budget"] == terms["gate"] > 0
    assert logits.grad[0] < 0 < logits.grad[3]


def scene():
    """Two cells a side; one positive cell, one ignored."""
    positive = torch.tensor([[[True, False], [False, False]]])
    ignored = torch.tensor([[[False, True], [False, False]]])
    centerness = torch.tensor([[[0.6, 0.0], [0.0, 0.0]]])
    return CellTargets(positive, ignored, centerness, torch.tensor([[0.0, 0, 10, 10]]))


def test_tracking_loss_by_hand():
    logits = torch.full((1, 1, 2, 2), logit(0.5))
    logits[0, 0, 0, 0] = logit(0.8)
    logits[0, 0, 0, 1] = 50.0  # ignored, however wrong
    centerness = torch.full((1, 1, 2, 2), logit(0.9))
    boxes = torch.tensor([5.0, 0, 15, 10])[None, :, None, None].expand(1, 4, 2, 2)
    terms = tracking_loss(logits, centerness, boxes, scene(), LossConfig())
    classification = 0.75 * 0.2**2 * -math.log(0.8) + 2 * 0.25 * 0.5**2 * -math.log(0.5)
    center = -0.6 * math.log(0.9) - 0.4 * math.log(0.1)
    box = -math.log(1 / 3)
    assert terms["classification"].item() == pytest.approx(classification)
    assert terms["centerness"].item() == pytest.approx(center)
    assert terms["box"].item() == pytest.approx(box)
    assert terms["overlap"].item() == pytest.approx(1 / 3)
    assert terms["total"].item() == pytest.approx(classification + center + 3 * box)


def test_terms_are_means_over_the_positive_cells():
    shapes = ((1, 1, 8, 8), (1, 1, 8, 8), (1, 4, 8, 8))
    maps = [torch.rand(shape, generator=torch.Generator().manual_seed(1)) for shape in shapes]
    maps[2] = torch.cat([maps[2][:, :2], maps[2][:, 2:] + 60], 1)
    targets = assign(torch.tensor([[8.0, 8, 30, 40]]), torch.tensor([True]), 8, 8, 64)
    once = tracking_loss(*maps, targets, LossConfig())
    double = CellTargets(*(torch.cat([part] * 2) for part in vars(targets).values()))
    twice = tracking_loss(*(torch.cat([m] * 2) for m in maps), double, LossConfig())
    for name, value in once.items():
        assert twice[name].item() == pytest.approx(value.item(), rel=1e-5)


def test_a_batch_without_a_positive_cell_has_a_finite_loss():
    targets = assign(torch.tensor([[0.0, 0, 16, 16]]), torch.tensor([False]), 4, 8, 32)
    maps = [torch.zeros(1, n, 4, 4, requires_grad=True) for n in (1, 1, 4)]
    terms = tracking_loss(*maps, targets, LossConfig())
    terms["total"].backward()
    # Only the other object's cells are told that they are not the target.
    assert (maps[0].grad[0, 0] > 0).nonzero().tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert terms["box"] == terms["centerness"] == terms["overlap"] == 0


def test_a_box_without_overlap_has_a_finite_loss():
    boxes = torch.tensor([50.0, 50, 60, 60])[None, :, None, None].repeat(1, 1, 2, 2)
    boxes.requires_grad_()
    maps = torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 2), boxes
    terms = tracking_loss(*maps, scene(), LossConfig())
    terms["total"].backward()
    assert terms["box"].item() == pytest.approx(-math.log(1e-4))
    assert torch.isfinite(boxes.grad).all()
