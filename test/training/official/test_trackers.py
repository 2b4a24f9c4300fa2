"""Whole models out of official checkpoints: the same answers, and trackers."""

import numpy as np
import pytest
import torch

from tracker_ros import load_tracker
from tracker_ros.core.config import TrackingConfig
from tracker_ros.core.errors import ModelError
from tracker_ros.engines.models.info import describe
from tracker_ros.engines.models.store import load_network
from tracker_ros.networks.architectures.ustam import UstamConfig
from tracker_ros.networks.blocks.reader import tokens
from tracker_ros.networks.build import steps
from tracker_ros.networks.presets import PRESETS, Preset
from tracker_ros.training.official import trackers
from tracker_ros.training.official.convert import convert

CLOSE = {"rtol": 1e-4, "atol": 1e-4}


def tracks(path) -> None:
    """The file is a model like any other."""
    frames = np.random.default_rng(0).integers(0, 256, (2, 120, 160, 3), dtype=np.uint8)
    tracker = load_tracker(path, engine="torch")
    tracker.init(frames[0], (60, 40, 30, 20))
    result = tracker.update(frames[1])
    assert 0 <= result.score <= 1
    assert result.box is None or np.isfinite(result.box).all()


def test_stmtracks_release_answers_the_same(official, restated, tmp_path):
    memory, query = restated.crops(2, 145, 145), restated.crops(1, 145, 145)
    labels = torch.zeros(2, 1, 145, 145)
    labels[:, :, 40:90, 50:110] = 1
    score, boxes = restated.stmtrack(
        official,
        restated.rgb(memory, *restated.HALVES),
        labels,
        restated.rgb(query, *restated.HALVES),
    )
    for name in ("r_z_k", "c_z_k", "r_x", "c_x"):
        official.extra(f"{name}.conv.weight", f"{name}.conv.bias", f"{name}.bn.weight")
        official.extra(f"{name}.bn.num_batches_tracked", f"{name}.bn.bias")
        official.extra(f"{name}.bn.running_mean", f"{name}.bn.running_var")
    path = official.save(tmp_path / "epoch-19_got10k.pkl", "model_state_dict")
    made = convert("stmtrack", path, tmp_path / "stmtrack.safetensors")
    assert len(made.unused) == 28 and made.unused[0] == "c_x.bn.bias"
    network, facts = load_network(made.path)
    assert facts["architecture"] == "stmtrack"
    origin = describe(made.path)["training"]["origin"]
    assert origin["kind"] == "stmtrack" and origin["file"] == "epoch-19_got10k.pkl"
    assert origin["published"] == "https://github.com/fzh0917/STMTrack"
    assert origin["licence"] == "BSD-3-Clause" and len(origin["sha256"]) == 64
    box = torch.tensor([[50.0, 40, 60, 50]] * 2)
    features, _ = network.encode(memory, box)
    read = tokens(features).flatten(0, 1)[None]
    tracking = TrackingConfig.from_dict(facts["tracking"])
    ours, places = steps(network, tracking)["locate"].module(query, read)
    torch.testing.assert_close(ours[0], score, **CLOSE)
    # Pixel 0 of the release is the middle of the first pixel; ours is its edge.
    torch.testing.assert_close(places[0] - 0.5, boxes, rtol=1e-3, atol=1e-2)
    tracks(made.path)


def test_siamfc_answers_the_same(official, restated, tmp_path):
    target, search = restated.crops(1, 127, 127), restated.crops(1, 255, 255)
    kernel, features = (
        restated.alexnet(official, restated.rgb(part, std=(1 / 255,) * 3))
        for part in (target, search)
    )
    # A learned first layer is small: it reads 0 to 255.
    response = 0.001 * torch.nn.functional.conv2d(features, kernel)
    path = official.save(tmp_path / "siamfc_alexnet_e50.pth")
    made = convert("siamfc", path, tmp_path / "siamfc.safetensors")
    network, facts = load_network(made.path)
    assert facts["architecture"] == "siamfc" and made.unused == []
    ours = network.match(search, network.template(target))
    scale = response.abs().max()
    torch.testing.assert_close(ours / scale, response / scale, rtol=0, atol=1e-5)
    tracks(made.path)


def test_siamfcs_normalisation_has_a_smaller_eps(official, restated, tmp_path):
    """A variance of 1e-5 shows it: eps 1e-5 in place of 1e-6 would be a factor of 1.35."""
    x = restated.rgb(restated.crops(1, 127, 127), std=(1 / 255,) * 3)
    restated.alexnet(official, x)
    official.tensors["backbone.conv3.1.running_var"].fill_(1e-5)
    expected = restated.alexnet(official, x)
    made = convert("siamfc", official.save(tmp_path / "a.pth"), tmp_path / "siamfc.safetensors")
    crops = ((x + 0.5).byte()).permute(0, 2, 3, 1).flip(3)
    ours = load_network(made.path)[0].template(crops)
    torch.testing.assert_close(
        ours / expected.abs().max(), expected / expected.abs().max(), rtol=0, atol=1e-5
    )


SMALL = UstamConfig(
    channels=128, depth=3, heads=2, query_size=96, template_size=32, head_channels=16
)


@pytest.fixture
def small_mixvit(official, restated, monkeypatch):
    """A MixViT of two heads of 64 channels; its templates, search crop and answer."""
    tracking = TrackingConfig(query_size=96, memory_size=32, search_factor=4.5, memory_capacity=2)
    monkeypatch.setitem(PRESETS, "ustam_small", Preset("ustam", SMALL, tracking))
    monkeypatch.setitem(trackers.MIXVITS, (128, 36), "ustam_small")
    templates, search = restated.crops(2, 32, 32), restated.crops(1, 96, 96)
    official.tensors["backbone.pos_embed_t"] = restated.positions(2, 128)
    official.tensors["backbone.pos_embed_s"] = restated.positions(6, 128)

    def embed(crops, code):
        x = restated.rgb(crops, *restated.IMAGENET)
        x = official.conv("backbone.patch_embed.proj", x, 128, 16, True, stride=16)
        return x.flatten(2).mT + official.tensors[f"backbone.pos_embed_{code}"]

    x = torch.cat([*embed(templates, "t")[:, None], embed(search, "s")], 1)
    for block in range(3):
        x = restated.vit_block(official, f"backbone.blocks.{block}", x, 8, 2)
    boxes = restated.corners(official, x[:, 8:].mT.unflatten(2, (6, 6)), 16)
    official.extra("backbone.cls_token", "backbone.pos_embed", "backbone.norm.weight")
    official.extra("score_branch.score_head.layers.0.weight")
    return templates, search, boxes


def test_mixvit_answers_the_same(official, small_mixvit, tmp_path):
    templates, search, boxes = small_mixvit
    path = official.save(tmp_path / "mixformer_vit.pth.tar", "net")
    made = convert("mixvit", path, tmp_path / "mixvit.safetensors")
    network, _ = load_network(made.path)
    past = torch.rand(1, 2, 36, 36)  # it is MixViT: the past guides nothing
    corners, _ = network.match(search, network.remember(templates[None]), past)
    torch.testing.assert_close(corners.boxes, boxes, **CLOSE)
    assert "score_branch.score_head.layers.0.weight" in made.unused
    tracks(made.path)


def test_ustam_starts_from_all_of_mixvit(official, small_mixvit, tmp_path):
    from tracker_ros.networks.build import build
    from tracker_ros.training.warm_start import warm_start

    path = official.save(tmp_path / "mixformer_vit.pth.tar", "net")
    made = convert("mixvit", path, tmp_path / "mixvit.safetensors")
    network = build("ustam", SMALL.to_dict())
    taken = warm_start(network, made.path)
    assert set(network.state_dict()) - set(taken) == {"spatial.weight", "spatial.bias"}


def test_other_positions_are_refused(official, small_mixvit, tmp_path):
    official.tensors["backbone.pos_embed_s"] += 0.1
    path = official.save(tmp_path / "mixformer_vit.pth.tar", "net")
    with pytest.raises(ModelError, match="pos_embed_s is not the sine and cosine code"):
        convert("mixvit", path, tmp_path / "mixvit.safetensors")
    official.tensors["backbone.pos_embed_s"] = torch.zeros(1, 49, 128)
    path = official.save(path, "net")
    with pytest.raises(ModelError, match="128 channels and 49 search tokens; known are 768 and"):
        convert("mixvit", path, tmp_path / "mixvit.safetensors")
