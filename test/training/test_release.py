"""From a checkpoint to a model that tracks."""

import numpy as np
import pytest
import torch

from tracker_ros import load_tracker
from tracker_ros.core.config import TrackingConfig
from tracker_ros.core.errors import ModelError
from tracker_ros.engines.store import load_network
from tracker_ros.networks.dastm import DastmConfig
from tracker_ros.networks.presets import Preset
from tracker_ros.training import checkpoint
from tracker_ros.training.config import TrainingConfig
from tracker_ros.training.loop import Trainer
from tracker_ros.training.losses import memory_loss
from tracker_ros.training.pretrain import PretrainingConfig, pretrain
from tracker_ros.training.release import release

TINY = {"widths": (8, 8, 16, 24), "depths": (1, 1, 1)}
NETWORK = DastmConfig(**TINY, channels=16, head_channels=16, head_depth=1, gate="soft")
TRACKING = TrackingConfig(query_size=64, memory_size=48)


def quiet(_):
    pass


@pytest.fixture(scope="module")
def run(shards, tmp_path_factory):
    """The folder of a finished training of two steps on a pre-trained trunk."""
    out = tmp_path_factory.mktemp("run")
    pretraining = PretrainingConfig(epochs=1, batch=8, size=16, held_out=8)
    pretrain(shards, out / "trunk.pt", NETWORK, pretraining, log=quiet)
    config = TrainingConfig(batch=2, steps=2, workers=0, seed=3)
    preset = Preset("dastm", NETWORK, TRACKING)
    Trainer(shards, out, preset, config, memory_loss, backbone=out / "trunk.pt").run(quiet)
    return out


def test_a_released_checkpoint_tracks_in_both_engines(run, tmp_path):
    target = tmp_path / "models" / "small.safetensors"
    lost_score = {"lost_score": 0.0, "tracking_score": 0.0, "memory_score": 0.0}
    written = release(run / "last.pt", target, {"data": "squares"}, lost_score)
    assert [path.name for path in written] == [
        "small.safetensors",
        "small.locate.onnx",
        "small.remember.onnx",
    ]
    assert sorted(path.name for path in target.parent.iterdir()) == sorted(p.name for p in written)

    trackers = [load_tracker(target, engine=engine) for engine in ("torch", "onnx")]
    facts = trackers[0].engine.facts
    assert facts == trackers[1].engine.facts and facts["network"]["gate"] == "soft"
    training = facts["training"]
    assert (training["steps"], training["samples"], training["seed"]) == (2, 4, 3)
    assert training["data"] == "squares" and training["backbone"]["classes"] == 4
    assert trackers[0].config.lost_score == 0.0 and trackers[0].config.query_size == 64

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


@pytest.mark.parametrize("content", [{}, [], {"network": {"channels": 24}}, {"network": None}])
def test_an_unusable_checkpoint_is_named(tmp_path, content):
    torch.save(content, tmp_path / "last.pt")
    with pytest.raises(ModelError) as error:
        release(tmp_path / "last.pt", tmp_path / "small.safetensors")
    assert str(tmp_path / "last.pt") in str(error.value) and "\n" not in str(error.value)
    assert not (tmp_path / "small.safetensors").exists()


def test_a_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"last\.pt does not exist"):
        release(tmp_path / "last.pt", tmp_path / "small.safetensors")
