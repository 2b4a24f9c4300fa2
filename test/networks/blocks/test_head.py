import math

import pytest
import torch

from tracker_ros.networks.architectures.stmtrack import StmtrackConfig
from tracker_ros.networks.blocks.head import Head, PlainHead, cell_centres, make_head


def test_cell_centres_are_symmetric_in_the_crop():
    assert cell_centres(4, 8, 32).tolist() == [4, 12, 20, 28]
    centres = cell_centres(20, 8, 160)
    torch.testing.assert_close(centres + centres.flip(0), torch.full((20,), 160.0))


def test_cells_of_an_unpadded_trunk_are_symmetric_too():
    # STMTrack: 25 cells in 289 pixels, the first in the middle of pixel 48.
    assert cell_centres(25, 8, 289)[[0, 12, 24]].tolist() == [48.5, 144.5, 240.5]


@pytest.mark.parametrize("kind", ["separable", "conv"])
@torch.no_grad()
def test_shapes(kind):
    head = Head(12, 8, 2, kind, 8).eval()
    logits, centerness, boxes = head(torch.randn(2, 12, 5, 5), 40)
    assert logits.shape == centerness.shape == (2, 1, 5, 5) and boxes.shape == (2, 4, 5, 5)
    assert logits.dtype == boxes.dtype == torch.float32


@torch.no_grad()
def test_boxes_are_distances_from_the_cells_centre():
    head = Head(6, 4, 1, "conv", 8).eval()
    head.sides.weight.zero_()
    head.sides.bias.copy_(torch.log(torch.tensor([1.0, 2.0, 3.0, 0.5])))  # l, t, r, b in cells
    _, _, boxes = head(torch.randn(1, 6, 4, 4), 32)
    for row in range(4):
        for column in range(4):
            x, y = 8 * column + 4, 8 * row + 4
            expected = torch.tensor([x - 8.0, y - 16.0, x + 24.0, y + 4.0])
            torch.testing.assert_close(boxes[0, :, row, column], expected)


@torch.no_grad()
def test_the_gain_scales_the_exponent_and_sides_stay_finite():
    head = Head(6, 4, 1, "conv", 8).eval()
    head.sides.weight.zero_()
    head.sides.bias.fill_(math.log(2.0))
    head.gain.fill_(3.0)
    left, _, right, _ = head(torch.zeros(1, 6, 1, 1), 8)[2][0, :, 0, 0]
    torch.testing.assert_close(right - left, torch.tensor(2 * 8 * 8.0))
    head.sides.bias.fill_(1e6)
    assert torch.isfinite(head(torch.zeros(1, 6, 1, 1), 8)[2]).all()


@torch.no_grad()
def test_a_fresh_head_expects_few_positive_cells():
    head = Head(12, 8, 1, "separable", 8).eval()
    logits, centerness, boxes = head(0.1 * torch.randn(1, 12, 10, 10), 80)
    assert torch.sigmoid(logits).mean() == pytest.approx(0.01, abs=0.005)
    assert torch.sigmoid(centerness).mean() == pytest.approx(0.5, abs=0.1)
    assert ((boxes[:, 2:] - boxes[:, :2]) > 0).all()


@torch.no_grad()
def test_the_plain_head_is_two_towers_and_normalised_outputs():
    torch.manual_seed(0)
    head = make_head(12, StmtrackConfig(head_channels=8, head_depth=7), 8)
    assert isinstance(head, PlainHead)
    for tower in (head.classify, head.regress):
        kinds = [type(part).__name__ for part in tower]
        assert kinds == ["Conv2d", "ReLU"] * 6 + ["Conv2d"]
        assert tower[0].in_channels == 12 and tower[-1].out_channels == 8
    assert head.regress[2].weight.std() == pytest.approx(1e-4, rel=0.2)
    assert head.foreground[0].bias.item() == pytest.approx(-math.log(99))
    logits, centerness, boxes = head.eval()(torch.randn(2, 12, 5, 5), 40)
    assert logits.shape == centerness.shape == (2, 1, 5, 5) and boxes.shape == (2, 4, 5, 5)
    assert torch.sigmoid(logits).mean() == pytest.approx(0.01, abs=0.001)


@torch.no_grad()
def test_the_plain_heads_sides_are_an_exponential_with_learnt_scale_and_shift():
    head = PlainHead(6, 4, 1, 8).eval()
    head.sides[1].weight.zero_()
    head.sides[1].bias.copy_(torch.log(torch.tensor([1.0, 2.0, 3.0, 0.5])))
    head.gain.fill_(2.0)
    head.shift.fill_(math.log(0.5))
    boxes = head(torch.randn(1, 6, 1, 1), 8)[2][0, :, 0, 0]
    expected = torch.tensor([4 - 0.5 * 8, 4 - 2.0 * 8, 4 + 4.5 * 8, 4 + 0.125 * 8])
    torch.testing.assert_close(boxes, expected)


def test_another_kind_of_head_is_refused():
    with pytest.raises(ValueError, match="'round', not plain, separable or conv"):
        make_head(6, StmtrackConfig(head_kind="round"), 8)
