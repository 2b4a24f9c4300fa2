"""What is frozen, when, and what several GPUs share."""

import pytest
import torch
from torch import nn

from tracker_ros.networks.architectures.ustam import Ustam, UstamConfig
from tracker_ros.networks.backbones.inception import InceptionV3
from tracker_ros.networks.backbones.mobileone import MobileOne
from tracker_ros.training.config import TrainingConfig
from tracker_ros.training.optimisation.optimisers import backbones, prepare, stem, synchronised
from tracker_ros.training.recipes import recipe


class Tracker(nn.Module):
    """A backbone and something behind it."""

    def __init__(self, trunk: nn.Module):
        super().__init__()
        self.query_trunk = trunk
        self.head = nn.Sequential(nn.Conv2d(trunk.channels, 4, 1), nn.BatchNorm2d(4))

    def forward(self, x):
        return self.head(self.query_trunk(x))


def learns(model, part) -> list[str]:
    return [name for name, p in model.get_submodule(part).named_parameters() if p.requires_grad]


def test_stmtrack_freezes_convolutions_and_never_learns_the_stem():
    model, config = Tracker(InceptionV3(0.1)), recipe("stmtrack").training
    prepare(model, True, 0.49, config)
    names = learns(model, "query_trunk")
    norms = {n for n, m in model.query_trunk.named_modules() if isinstance(m, nn.BatchNorm2d)}
    assert names and {name.rpartition(".")[0] for name in names} == norms
    assert all(part.training for part in model.modules())  # batch statistics go on
    prepare(model, True, 0.5, config)
    still = {
        name
        for name, part in model.query_trunk.named_modules()
        if isinstance(part, nn.Conv2d) and not part.weight.requires_grad
    }
    # Conv2d_1a to 4a of the release: before its Mixed blocks.
    assert still == {"stem.0", *(f"body.{index}.0" for index in (0, 1, 3, 4))}
    assert len(learns(model, "head")) == 4


def test_a_frozen_norm_moves_with_what_it_sees_and_a_frozen_convolution_does_not():
    torch.manual_seed(0)
    model, config = Tracker(InceptionV3(0.1)), recipe("stmtrack").training
    optimiser = torch.optim.SGD(model.parameters(), 0.1)
    before = {name: value.clone() for name, value in model.query_trunk.state_dict().items()}
    prepare(model, True, 0.0, config)
    model(torch.randn(2, 3, 145, 145)).square().mean().backward()
    optimiser.step()
    after = model.query_trunk.state_dict()
    for name, value in before.items():
        assert torch.equal(value, after[name]) == (value.ndim == 4), name


def test_dastm_learns_all_of_its_backbone_from_the_fifth_epoch_on():
    model, config = Tracker(MobileOne((8, 8, 8, 16), (1, 1, 1))), recipe("dastm").training
    prepare(model, True, 3.99 / 20, config)
    assert learns(model, "query_trunk") == []  # "unfroze all parameters"
    prepare(model, True, 4 / 20, config)
    assert learns(model, "query_trunk") == [n for n, _ in model.query_trunk.named_parameters()]


def test_dastsiam_freezes_statistics_too():
    model, config = Tracker(MobileOne((8, 8, 8, 16), (1, 1, 1))), recipe("dastsiam").training
    prepare(model, True, 0.19, config)
    assert learns(model, "query_trunk") == [] and not model.query_trunk.stem.training
    prepare(model, True, 0.2, config)
    assert model.query_trunk.stem.training and learns(model, "query_trunk.stem")


def test_noise_is_not_frozen():
    model = Tracker(InceptionV3(0.1))
    prepare(model, False, 0.0, recipe("stmtrack").training)
    assert len(learns(model, "query_trunk")) == len(list(model.query_trunk.parameters()))


def test_a_vit_has_no_stem():
    (trunk,) = backbones(Ustam(UstamConfig(32, 1, 2, 64, 32, head_channels=16)))
    assert stem(trunk) == [] and {name for name, _ in trunk.named_children()} == {
        "embedding",
        "blocks",
    }


@pytest.mark.parametrize(("processes", "kind", "wanted"), [(2, "cuda", True), (1, "cuda", False),
                                                           (2, "cpu", False)])  # fmt: skip
def test_several_gpus_share_their_batch_statistics(processes, kind, wanted):
    model = Tracker(MobileOne((8, 8, 8, 16), (1, 1, 1)))
    names = list(model.state_dict())
    made = synchronised(model, processes, torch.device(kind))
    assert list(made.state_dict()) == names
    norms = [part for part in made.modules() if hasattr(part, "running_var")]
    assert norms and all(isinstance(part, nn.SyncBatchNorm) == wanted for part in norms)
    config = TrainingConfig(frozen_norms=True)
    prepare(made, False, 0.0, config)
    assert not any(part.training for part in norms)
