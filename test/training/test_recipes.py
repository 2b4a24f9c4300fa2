"""STMTrack's and STIF's recipes: their papers' values, and that they run end to end on shards."""

from dataclasses import replace

import pytest
import torch

from tracker_ros.networks.presets import PRESETS
from tracker_ros.training.loop import Trainer
from tracker_ros.training.recipes import recipe
from tracker_ros.training.schedules import learning_rate


def test_stmtracks_values():
    made = recipe("stmtrack").training
    assert (made.optimiser, made.weight_decay, made.batch) == ("sgd", 1e-4, 64)
    assert made.steps == pytest.approx(20 * 300_000 / 64, abs=1)
    rates = [made.rate * learning_rate(epoch / 20, made) for epoch in (0, 1, 20)]
    assert rates == pytest.approx([0.01, 0.08, 1e-6])  # one epoch of warm-up, then a cosine
    assert (made.frozen, made.backbone_rate) == (0.5, 0.1)
    losses, sampling = made.losses, made.sampling
    assert (losses.classification, losses.centerness, losses.box) == (1, 1, 3)
    assert (losses.focal_alpha, losses.focal_gamma) == (0.75, 2)
    assert (sampling.memory_frames, sampling.query_frames, sampling.max_gap) == (3, 1, 100)
    assert sampling.negative == 0.33


def test_stifs_values():
    made = recipe("stif").training
    assert (made.optimiser, made.weight_decay, made.batch) == ("sgd", 1e-4, 20)
    assert made.steps == 20 * 150_000 / 20
    losses, sampling = made.losses, made.sampling
    assert (losses.classification, losses.centerness, losses.box) == (1, 1, 1)
    assert (sampling.memory_frames, sampling.causal) == (1 + 3, True)  # the anchor and T


TRUNK = {"widths": (8, 8, 16, 24), "depths": (1, 1, 1), "channels": 16}
HEAD = {"head_channels": 16, "head_depth": 1}
SIAMESE = {"ffn": 16, "layers": 1}
SMALL = {"query_size": 64, "memory_size": 64}
USTAM = {"depth": 2, "head_channels": 16, "query_size": 64, "template_size": 64}


@pytest.mark.parametrize(
    ("name", "sizes", "crops"),
    [
        ("stmtrack_tiny", HEAD, SMALL),
        ("stif_tiny", HEAD, SMALL),
        ("ustam_tiny", USTAM, SMALL),
        ("dastsiam_tiny", SIAMESE, {}),
        ("siamfc_st_tiny", SIAMESE, {}),
    ],
)
def test_trains_on_shards_by_the_papers_recipe(name, sizes, crops, shards, tmp_path):
    made = PRESETS[name]
    made = made._replace(
        network=replace(made.network, **TRUNK, **sizes), tracking=replace(made.tracking, **crops)
    )
    training, loss = recipe(made.architecture)
    config = replace(training, batch=2, steps=2, workers=0)
    learner = Trainer(shards, tmp_path, made, config, loss)
    before = {key: value.clone() for key, value in learner.model.state_dict().items()}
    learner.run(lambda _: None)
    after = learner.model.state_dict()
    assert learner.step == 2
    still = [key for key, value in before.items() if torch.equal(value, after[key])]
    assert [key for key in still if "num_batches" not in key] == []
