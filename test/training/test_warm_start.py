"""Starting one network from another's weights."""

from dataclasses import replace

import pytest
import torch

from tracker_ros.core.errors import ModelError
from tracker_ros.engines.models.store import load_network
from tracker_ros.networks.architectures.stif import Stif, StifConfig
from tracker_ros.networks.architectures.stmtrack import Stmtrack, StmtrackConfig
from tracker_ros.networks.backbones.inception import InceptionV3
from tracker_ros.training.warm_start import load_backbone, warm_start

SIZES = {
    "backbone": "mobileone",
    "widths": (8, 8, 8, 16),
    "depths": (1, 1, 1),
    "channels": 16,
    "head_channels": 16,
    "head_depth": 1,
    "head_kind": "separable",
}


def test_all_of_stmtrack_comes_from_dastm(model):
    network = Stmtrack(StmtrackConfig(**SIZES))
    given = load_network(model)[0].state_dict()
    taken = warm_start(network, model)
    assert set(taken) == set(network.state_dict())
    assert all(torch.equal(value, given[name]) for name, value in network.state_dict().items())


def test_what_does_not_fit_keeps_its_start(model):
    network = Stif(replace(StifConfig(**SIZES), channels=24))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    taken = set(warm_start(network, model))
    assert {name.partition(".")[0] for name in taken} == {
        "memory_trunk", "query_trunk", "label", "head",
    }  # fmt: skip
    assert (
        not {"memory_neck.weight", "head.reduce.convs.0.0.weight", "memory_fusion.gate.weight"}
        & taken
    )
    for name, value in network.state_dict().items():
        assert name in taken or torch.equal(value, before[name])


def test_a_checkpoint_gives_its_average(tmp_path):
    network = Stmtrack(StmtrackConfig(**SIZES))
    average = {name: value + 1 for name, value in network.state_dict().items()}
    torch.save({"average": average, "model": network.state_dict()}, tmp_path / "last.pt")
    warm_start(network, tmp_path / "last.pt")
    assert all(torch.equal(value, average[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize("read", [warm_start, load_backbone])
def test_a_damaged_number_is_noticed(tmp_path, read):
    network, path = Stmtrack(StmtrackConfig(**SIZES)), tmp_path / "last.pt"
    torch.save({"average": network.state_dict(), "trunk": {}, "facts": {}}, path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"last\.pt cannot be read: it is damaged at "):
        read(network, path)


@pytest.mark.parametrize("content", [{}, [], {"average": 7}])
def test_a_foreign_checkpoint_is_one_sentence(tmp_path, content):
    torch.save(content, tmp_path / "last.pt")
    with pytest.raises(ModelError, match="no checkpoint of a training run"):
        warm_start(Stmtrack(StmtrackConfig(**SIZES)), tmp_path / "last.pt")


def test_nothing_that_fits_is_an_error(model):
    with pytest.raises(ModelError, match="fits this InceptionV3"):
        warm_start(InceptionV3(0.1), model)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda value: 3, "'label.weight' is no tensor with a name"),
        (lambda value: value.to(torch.complex64), "label.weight is torch.strided of torch.complex"),
        (lambda value: value * torch.nan, "label.weight is not finite"),
    ],
)
def test_odd_weights_to_start_from_are_told(tmp_path, change, told):
    network = Stmtrack(StmtrackConfig(**SIZES))
    average = network.state_dict()
    average["label.weight"] = change(average["label.weight"])
    torch.save({"average": average}, tmp_path / "last.pt")
    with pytest.raises(ModelError, match=f"last.pt: {told}"):
        warm_start(network, tmp_path / "last.pt")


@pytest.mark.parametrize(
    "content",
    [
        torch.zeros(3),
        torch.zeros(()),
        7,
        {},
        {"trunk": {}},
        {"trunk": {}, "facts": {}},
        {"trunk": torch.zeros(3), "facts": {}},
        {"trunk": {3: 4}, "facts": {}},
        {"trunk": {"a": torch.zeros(3)}, "facts": 3},
        {"trunk": {"a": torch.zeros(3)}, "facts": {}},
        {"trunk": {"a": torch.full((3,), torch.nan)}, "facts": {}},
    ],
)
def test_an_odd_backbone_is_told(tmp_path, content):
    torch.save(content, tmp_path / "trunk.pt")
    with pytest.raises(ModelError, match=r"trunk\.pt"):
        load_backbone(Stmtrack(StmtrackConfig(**SIZES)), tmp_path / "trunk.pt")
