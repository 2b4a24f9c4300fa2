import math

import pytest
import torch

from tracker_ros.core.gate import BRANCHES
from tracker_ros.networks.blocks.gate import MODES, SUMS, DynamicAttention, GateUnit

C = 16


def attention(mode, favour=None, margin=3.0):
    """A module whose gate, where it has one, favours one branch for any input."""
    torch.manual_seed(0)
    module = DynamicAttention(C, mode)
    if favour is not None:
        with torch.no_grad():
            module.gate.decide.weight.zero_()
            module.gate.decide.bias.zero_()
            module.gate.decide.bias[BRANCHES.index(favour)] = margin
    return module


def features(batch=3):
    return torch.randn(batch, C, 5, 6, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("training", [False, True])
def test_shapes_in_every_mode(mode, training):
    y, weights = attention(mode).train(training)(features())
    assert y.shape == (3, C, 5, 6) and weights.shape == (3, 4)
    assert (weights >= 0).all()
    if mode not in SUMS:
        torch.testing.assert_close(weights.sum(1), torch.ones(3))


def test_an_unknown_mode_is_named():
    with pytest.raises(ValueError, match="gate mode is 'firm', not one of hard, soft, random"):
        DynamicAttention(C, "firm")


def test_only_the_needed_branches_have_weights():
    assert set(attention("hard").branches) == {"se", "ca", "cbam"}
    assert set(attention("ca").branches) == {"ca"} and attention("ca").gate is None
    assert not list(attention("skip").parameters())
    assert attention("static").gate is None and set(attention("random").branches) == {
        "se",
        "ca",
        "cbam",
    }


@torch.no_grad()
def test_gate_unit_pools_then_decides():
    unit = GateUnit(2, reduction=1)
    unit.squeeze.weight.copy_(torch.eye(2))
    unit.decide.weight.copy_(torch.tensor([[1.0, 0], [0, 1], [1, 1], [0, 0]]))
    unit.squeeze.bias.zero_()
    unit.decide.bias.copy_(torch.tensor([0, 0, 0, 7.0]))
    x = torch.tensor([[[[1.0, 3.0]], [[-2.0, 0.0]]]])  # means 2 and -1, after the ReLU 2 and 0
    assert unit(x).tolist() == [[2, 0, 2, 7]]


@torch.no_grad()
@pytest.mark.parametrize("branch", BRANCHES)
def test_hard_runs_the_favoured_branch_in_evaluation(branch):
    module, x = attention("hard", branch).eval(), features()
    y, weights = module(x)
    torch.testing.assert_close(y, module.branch(branch, x))
    assert (weights.argmax(1) == BRANCHES.index(branch)).all()
    share = math.exp(3) / (math.exp(3) + 3)
    torch.testing.assert_close(weights[:, BRANCHES.index(branch)], torch.full((3,), share))
    chosen, same = module.choose(x[:1])
    torch.testing.assert_close(chosen, y[:1])
    torch.testing.assert_close(same, weights[:1])


@torch.no_grad()
def test_choose_runs_no_other_branch():
    module, ran = attention("hard", "ca").eval(), []
    for name, branch in module.branches.items():
        branch.register_forward_hook(lambda *_, name=name: ran.append(name))
    module.choose(features(1))
    assert ran == ["ca"]


@torch.no_grad()
def test_hard_decides_for_each_frame_of_a_batch():
    module, x = attention("hard").eval(), features(2)
    module.gate.squeeze.weight.copy_(torch.ones(C // 4, C))
    module.gate.squeeze.bias.zero_()
    module.gate.decide.weight.zero_()
    module.gate.decide.weight[1] = 1  # se grows with the features' mean
    module.gate.decide.bias.copy_(torch.tensor([1.0, 0, 0, 0]))
    x = x - x.mean((1, 2, 3), keepdim=True) + torch.tensor([-1.0, 1.0])[:, None, None, None]
    y, weights = module(x)
    assert weights.argmax(1).tolist() == [0, 1]
    torch.testing.assert_close(y[0], x[0])
    torch.testing.assert_close(y[1:], module.branch("se", x[1:]))


def test_hard_training_takes_one_branch_by_chance_and_teaches_the_gate():
    module, x = attention("hard", "ca", margin=1.0).train(), features(64)
    torch.nn.init.normal_(module.gate.decide.weight, std=0.1)
    for branch in module.branches.values():
        branch.eval()  # batch statistics aside: each branch is then a function of one frame
    y, weights = module(x)
    answers = torch.stack([module.branch(name, x) for name in BRANCHES])
    distance = (answers - y).abs().amax((2, 3, 4))  # [4, B]
    assert (distance.amin(0) < 1e-5).all()  # exactly one branch answers for each frame
    taken = distance.argmin(0).bincount(minlength=4)
    assert (taken > 0).all() and taken.argmax() == BRANCHES.index("ca")
    assert weights.shape == (64, 4)
    (y * torch.randn_like(y)).sum().backward()
    assert module.gate.decide.bias.grad.abs().sum() > 0
    assert module.gate.squeeze.weight.grad.abs().sum() > 0


@torch.no_grad()
@pytest.mark.parametrize("training", [False, True])
def test_soft_is_the_weighted_sum(training):
    module, x = attention("soft", "se", margin=1.0).eval(), features()
    share = math.e / (math.e + 3)
    rest = (1 - share) / 3
    expected = share * module.branch("se", x) + rest * sum(
        module.branch(name, x) for name in ("skip", "ca", "cbam")
    )
    module.training = training
    y, weights = module(x)
    torch.testing.assert_close(y, expected)
    torch.testing.assert_close(weights[0], torch.tensor([rest, share, rest, rest]))
    torch.testing.assert_close(module.choose(x[:1])[0], expected[:1])


@torch.no_grad()
def test_temperature_sharpens_the_gate():
    cold, warm = attention("soft", "se"), attention("soft", "se")
    warm.temperature = 4.0
    x = features(1)
    assert cold.weights(x)[0, 1] > warm.weights(x)[0, 1] > 0.25
    torch.testing.assert_close(
        warm.weights(x)[0, 1], torch.tensor(math.exp(0.75) / (math.exp(0.75) + 3))
    )


@torch.no_grad()
def test_static_is_the_sum_of_the_three_modules():
    module, x = attention("static").eval(), features()
    y, weights = module(x)
    torch.testing.assert_close(y, sum(module.branch(name, x) for name in ("se", "ca", "cbam")))
    assert weights[0].tolist() == [0, 1, 1, 1]


@torch.no_grad()
@pytest.mark.parametrize("branch", BRANCHES)
def test_single_modes_are_one_branch(branch):
    module, x = attention(branch).eval(), features()
    y, weights = module(x)
    torch.testing.assert_close(y, module.branch(branch, x))
    assert weights.tolist() == [[float(name == branch) for name in BRANCHES]] * 3


@torch.no_grad()
def test_random_is_one_hot_and_uses_every_branch():
    module, x = attention("random").eval(), features(200)
    y, weights = module(x)
    assert ((weights == 0) | (weights == 1)).all() and (weights.sum(0) > 20).all()
    for index, name in enumerate(BRANCHES):
        rows = weights[:, index] == 1
        torch.testing.assert_close(y[rows], module.branch(name, x)[rows])
