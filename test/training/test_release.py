"""From a checkpoint to a model that tracks."""

import numpy as np
import pytest
import torch

from tracker_ros import load_tracker
from tracker_ros.commands import main
from tracker_ros.core.config import TrackingConfig
from tracker_ros.core.errors import ModelError
from tracker_ros.engines.models.store import load_network, save_network
from tracker_ros.networks.backbones.by_name import make_backbone
from tracker_ros.networks.presets import preset
from tracker_ros.training.options import overridden
from tracker_ros.training.records import checkpoint
from tracker_ros.training.release import release

SIZES = ("widths=8,8,16,24", "depths=1,1,1", "channels=16", "head_channels=16", "head_depth=1")
GRAPHS = ["small.locate.onnx", "small.remember.onnx"]


@pytest.fixture(scope="module")
def run(shards, tmp_path_factory):
    """The folder of a run of two steps by the paper's recipe, on a pre-trained backbone."""
    out = tmp_path_factory.mktemp("run")
    small = overridden(preset("dastm_tiny").network, SIZES, "--network")
    backbone = make_backbone(small)
    checkpoint.save(out / "t.pt", {"trunk": backbone.state_dict(), "facts": {"classes": 4}})
    network = [f"--network={value}" for value in (*SIZES, "gate=soft")]
    tracking = [f"--tracking={value}" for value in ("query_size=64", "memory_size=48")]
    options = ["--name", "small", "--steps", "2", "--batch", "2", "--workers", "0", "--seed", "3"]
    data = ["train", str(shards), "--model", "dastm_tiny", "--out", str(out)]
    data += ["--backbone", str(out / "t.pt")]
    assert main([*data, *options, *network, *tracking]) == 0
    return out


def test_half_the_size_makes_nearly_the_same_network(run, tmp_path):
    sizes, networks = [], []
    for half in (False, True):
        path = tmp_path / f"{half}.safetensors"
        network, facts = load_network(run / "small.safetensors")
        tracking = TrackingConfig.from_dict(facts["tracking"])
        save_network(path, network, facts["architecture"], tracking, {}, half)
        sizes.append(path.stat().st_size)
        networks.append(load_network(path)[0].state_dict())
    assert sizes[1] < 0.75 * sizes[0]  # the network is small: names and facts take their part
    for name, value in networks[0].items():
        assert networks[1][name].dtype == value.dtype
        torch.testing.assert_close(networks[1][name], value, rtol=1e-3, atol=1e-6)


def test_a_finished_run_tracks_in_both_engines(run, shards):
    target = run / "small.safetensors"
    assert {"last.pt", target.name, *GRAPHS} <= {path.name for path in run.iterdir()}
    trackers = [load_tracker(target, engine=engine) for engine in ("torch", "onnx")]
    facts = trackers[0].engine.facts
    assert facts == trackers[1].engine.facts and facts["network"]["gate"] == "soft"
    training = facts["training"]
    assert (training["steps"], training["samples"], training["seed"]) == (2, 4, 3)
    assert training["data"] == [f"shards:{shards.name}:1"] and training["hardware"][0]
    assert training["backbone"]["classes"] == 4 and training["validation"] is None
    assert training["config"]["optimiser"] == "sgd"
    assert trackers[0].config.query_size == 64

    # Two steps teach no peaks: the maps are compared, not the cell that is by a hair the best.
    crops = np.random.default_rng(0).integers(0, 255, (2, 64, 64, 3), np.uint8)
    answers = []
    for engine in (tracker.engine for tracker in trackers):
        state = engine.start(crops[0, :48, :48], (10.0, 12.0, 20.0, 16.0))
        prediction, state = engine.locate(crops[1], state)
        answers.append((prediction.score, prediction.boxes, engine.gate(state).weights))
    for ours, theirs in zip(*answers, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)
    assert sum(answers[0][2]) == pytest.approx(1, abs=1e-5)

    # It is the averaged weights that ship.
    network, _ = load_network(target)
    average = checkpoint.load(run / "last.pt")["average"]
    assert all(torch.equal(value, average[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize(
    "content", [{}, [], torch.zeros(3), {"network": {"channels": 24}}, {"network": None}]
)
def test_an_unusable_checkpoint_is_named(tmp_path, content):
    torch.save(content, tmp_path / "last.pt")
    with pytest.raises(ModelError) as error:
        release(tmp_path / "last.pt", tmp_path / "small.safetensors")
    assert str(tmp_path / "last.pt") in str(error.value) and "\n" not in str(error.value)
    assert not (tmp_path / "small.safetensors").exists()


def test_a_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"last\.pt does not exist"):
        release(tmp_path / "last.pt", tmp_path / "small.safetensors")
