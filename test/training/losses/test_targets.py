import math

import pytest
import torch

from tracker_ros.training.losses.targets import assign

YES, NO = torch.tensor([True]), torch.tensor([False])


def cells(*marked, size=4):
    grid = torch.zeros(1, size, size, dtype=torch.bool)
    for row, column in marked:
        grid[0, row, column] = True
    return grid


def test_cells_whose_centre_is_inside_are_positive():
    # Centres at 4, 12, 20, 28. The box spans x from 10 to 22 and y from 3 to 13.
    targets = assign(torch.tensor([[10.0, 3, 12, 10]]), YES, 4, 8, 32)
    assert torch.equal(targets.positive, cells((0, 1), (0, 2), (1, 1), (1, 2)))
    assert not targets.ignored.any()
    assert targets.boxes.tolist() == [[10, 3, 22, 13]]


def test_centerness_by_hand():
    targets = assign(torch.tensor([[10.0, 3, 12, 10]]), YES, 4, 8, 32)
    # At (12, 4): 2 from the left, 10 from the right, 1 from the top, 9 from the bottom.
    assert targets.centerness[0, 0, 1] == pytest.approx(math.sqrt(2 / 10 * 1 / 9))
    assert targets.centerness[0, 1, 2] == pytest.approx(math.sqrt(2 / 10 * 1 / 9))
    assert targets.centerness[0, 2:].max() == 0
    middle = assign(torch.tensor([[4.0, 4, 16, 16]]), YES, 4, 8, 32)
    assert middle.centerness[0, 1, 1] == 1


def test_a_centre_on_the_edge_is_outside():
    targets = assign(torch.tensor([[4.0, 4, 16, 16]]), YES, 4, 8, 32)
    assert torch.equal(targets.positive, cells((1, 1)))


def test_a_target_between_the_centres_has_no_positive_cell():
    targets = assign(torch.tensor([[5.0, 5, 6, 6]]), YES, 4, 8, 32)
    assert not targets.positive.any() and torch.isfinite(targets.centerness).all()


def test_a_target_over_the_rim_has_the_cells_inside():
    targets = assign(torch.tensor([[-20.0, 24, 30, 40]]), YES, 4, 8, 32)
    assert torch.equal(targets.positive, cells((3, 0)))


def test_where_the_target_is_absent_the_other_object_is_negative_the_rest_ignored():
    targets = assign(torch.tensor([[10.0, 3, 12, 10]]), NO, 4, 8, 32)
    assert not targets.positive.any()
    assert torch.equal(targets.ignored, ~cells((0, 1), (0, 2), (1, 1), (1, 2)))


def test_a_batch_is_assigned_one_by_one():
    boxes = torch.tensor([[10.0, 3, 12, 10], [4, 4, 16, 16], [10, 3, 12, 10]])
    together = assign(boxes, torch.tensor([True, True, False]), 4, 8, 32)
    for index, present in enumerate([YES, YES, NO]):
        alone = assign(boxes[index : index + 1], present, 4, 8, 32)
        for name in ("positive", "ignored", "centerness", "boxes"):
            assert torch.equal(getattr(together, name)[index], getattr(alone, name)[0])
