"""The attention modules on inputs small enough to work out by hand."""

import math

import pytest
import torch
from torch import nn

from tracker_ros.networks.blocks.attention import CBAM, SE, CoordinateAttention, SpatialAttention


def sigmoid(value):
    return 1 / (1 + math.exp(-value))


@pytest.mark.parametrize("module", [SE, CoordinateAttention, CBAM])
@pytest.mark.parametrize(("channels", "height", "width"), [(16, 5, 7), (128, 14, 14), (64, 1, 1)])
@torch.no_grad()
def test_shape_stays_and_features_only_shrink(module, channels, height, width):
    x = torch.randn(2, channels, height, width)
    y = module(channels).eval()(x)
    assert y.shape == x.shape
    assert (y.abs() <= x.abs()).all() and (y.sign() == x.sign()).all()


def test_sizes_are_the_papers():
    assert SE(512).squeeze.weight.shape == (32, 512)
    assert CoordinateAttention(512).shared[0].weight.shape == (16, 512, 1, 1)
    assert CoordinateAttention(64).shared[0].weight.shape == (8, 64, 1, 1)
    cbam = CBAM(512)
    assert cbam.mlp[0].weight.shape == (32, 512)
    assert cbam.spatial.conv[0].weight.shape == (1, 2, 7, 7)


@torch.no_grad()
def test_se():
    se = SE(4, reduction=1)
    se.squeeze.weight.copy_(torch.eye(4))
    se.excite.weight.copy_(2 * torch.eye(4))
    x = torch.zeros(1, 4, 1, 2)
    x[0, :, 0] = torch.tensor([[1.0, 3.0], [-1.0, -3.0], [0.0, 0.0], [4.0, 0.0]])
    # Means 2, -2, 0, 2; the ReLU between the layers turns -2 into 0; doubled: 4, 0, 0, 4.
    weights = [sigmoid(4), 0.5, 0.5, sigmoid(4)]
    expected = torch.tensor([[w * a, w * b] for w, (a, b) in zip(weights, x[0, :, 0], strict=True)])
    torch.testing.assert_close(se(x)[0, :, 0], expected)


@torch.no_grad()
def test_coordinate_attention():
    module = CoordinateAttention(1, reduction=1).eval()
    for conv in (module.shared[0], module.rows, module.columns):
        conv.weight.zero_()
        conv.bias.zero_()
    module.shared[0].weight[0] = 1  # one inner channel passes the pooled values on
    module.rows.weight[0, 0] = 1
    module.columns.weight[0, 0] = -1
    x = torch.tensor([[[[3.0, 5.0, 4.0], [8.0, 6.0, 10.0]]]])
    # Rows' means 4 and 8, columns' means 5.5, 5.5 and 7: hard-swish is the identity from 3 on.
    norm = 1 / math.sqrt(1 + module.shared[1].eps)
    rows = torch.tensor([sigmoid(norm * m) for m in (4, 8)])
    columns = torch.tensor([sigmoid(-norm * m) for m in (5.5, 5.5, 7)])
    torch.testing.assert_close(module(x)[0, 0], x[0, 0] * rows[:, None] * columns[None])


@torch.no_grad()
def test_spatial_attention():
    module = SpatialAttention(kernel=1).eval()
    module.conv[0].weight.copy_(torch.tensor([[[[2.0]], [[-1.0]]]]))  # 2 max - mean
    module.conv[1].eps = 0.0
    x = torch.tensor([[[[1.0, 4.0]], [[3.0, -2.0]]]])
    # Left: max 3, mean 2; right: max 4, mean 1.
    weights = torch.tensor([sigmoid(2 * 3 - 2), sigmoid(2 * 4 - 1)])
    torch.testing.assert_close(module(x), x * weights)


@torch.no_grad()
def test_cbam_channel_part_adds_mean_and_maximum_through_one_mlp():
    module = CBAM(4, reduction=1).eval()
    module.spatial = nn.Identity()
    for index in (0, 2):
        module.mlp[index].weight.copy_(torch.eye(4))
        module.mlp[index].bias.zero_()
    x = torch.tensor([[[[1.0, 3.0]], [[-4.0, 2.0]], [[-1.0, -2.0]], [[0.0, 0.0]]]])
    # Mean and maximum, each through the ReLU: 2 + 3, 0 + 2, 0 + 0, 0 + 0.
    weights = torch.tensor([sigmoid(5), sigmoid(2), 0.5, 0.5])
    torch.testing.assert_close(module(x), x * weights[:, None, None])


@torch.no_grad()
def test_cbam_attends_to_channels_before_places():
    module = CBAM(16).eval()
    x = torch.randn(1, 16, 6, 6)
    spatial, module.spatial = module.spatial, nn.Identity()
    channels = module(x)
    module.spatial = spatial
    torch.testing.assert_close(module(x), spatial(channels))
