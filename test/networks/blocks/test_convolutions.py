"""A re-parametrised convolution computes what its branches computed."""

import pytest
import torch
from torch import nn

from tracker_ros.networks.backbones.mobileone import MobileOne
from tracker_ros.networks.blocks.convolutions import RepConv, SeparableConv, fuse


def trained(module, *shape):
    """Random batch norms, then training-mode passes: batch statistics far from 0 and 1."""
    torch.manual_seed(0)
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.uniform_(part.weight, 0.3, 1.7)
            nn.init.normal_(part.bias)
    module.train()
    with torch.no_grad():
        for step in range(3):
            module(torch.randn(4, *shape) * (1 + step) + 0.5)
    return module.eval()


@torch.no_grad()
def assert_fusing_changes_nothing(module, *shape):
    x = torch.randn(2, *shape)
    for part in module.modules():
        part.training = isinstance(part, RepConv)  # every branch, with the norms' statistics
    before = module(x)
    torch.testing.assert_close(module.eval()(x), before, atol=1e-5, rtol=1e-5)
    norms = sum(isinstance(part, nn.BatchNorm2d) for part in module.modules())
    fuse(module)
    assert norms and not any(isinstance(part, nn.BatchNorm2d) for part in module.modules())
    after = module(x)
    assert after.shape == before.shape and before.abs().max() > 0.1
    torch.testing.assert_close(after, before, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("branches", [1, 4])
@pytest.mark.parametrize("scale", [False, True])
@pytest.mark.parametrize("kernel", [1, 3, 5])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(("inputs", "outputs", "groups"), [(6, 6, 1), (6, 6, 6), (6, 9, 3)])
def test_every_kind_of_repconv(inputs, outputs, groups, stride, kernel, scale, branches):
    module = RepConv(inputs, outputs, kernel, stride, groups, branches, scale)
    assert len(module.convs) == branches
    assert (module.scale is not None) == (scale and kernel > 1)
    assert (module.skip is not None) == (inputs == outputs and stride == 1)
    trained(module, inputs, 11, 12)
    with torch.no_grad():
        assert module(torch.zeros(1, inputs, 11, 12)).shape == (
            (1, outputs, 11, 12) if stride == 1 else (1, outputs, 6, 6)
        )
    assert_fusing_changes_nothing(module, inputs, 11, 12)


def test_a_fused_module_is_one_convolution_and_may_be_fused_again():
    module = trained(RepConv(4, 4, branches=4, scale=True), 4, 8, 8)
    fuse(module)
    names = set(module.state_dict())
    assert names == {"fused.weight", "fused.bias"}
    weight = module.fused.weight.clone()
    assert torch.equal(fuse(module).fused.weight, weight)


@pytest.mark.parametrize(("branches", "scale"), [(1, False), (4, True)])
def test_separable_convolution_and_trunk(branches, scale):
    block = SeparableConv(6, 8, 2, branches, scale, kernel=5)
    assert_fusing_changes_nothing(trained(block, 6, 16, 16), 6, 16, 16)
    trunk = MobileOne((8, 8, 12, 16), (1, 2, 1), branches, scale)
    assert_fusing_changes_nothing(trained(trunk, 3, 32, 32), 3, 32, 32)


@pytest.mark.parametrize("kernel", [3, 5])
def test_frozen_statistics_leave_the_gradients_as_they_are(kernel):
    module = trained(RepConv(6, 6, kernel, groups=6, branches=2, scale=True), 6, 11, 12)
    x, gradients = torch.randn(2, 6, 11, 12), []
    for every_branch in (True, False):
        module.training = every_branch
        module.zero_grad()
        (module(x) * torch.linspace(0, 1, 12)).sum().backward()
        gradients.append([p.grad.clone() for p in module.parameters()])
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, atol=1e-3, rtol=1e-3)
        assert one.abs().max() > 0


def test_the_scale_branch_learns_at_stride_2():
    # Its subsampling is written out in forward: the gradient must still reach it.
    module = RepConv(3, 4, stride=2, scale=True)
    module(torch.randn(2, 3, 9, 9)).sum().backward()
    assert module.scale[0].weight.grad.abs().sum() > 0
