"""Explanations: the pictures are those that the network read, and the shares are what it took."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from tracker_ros import load_tracker
from tracker_ros.core.errors import ModelError
from tracker_ros.core.geometry.boxes import Box
from tracker_ros.core.tracker import Tracker

torch = pytest.importorskip("torch")

from tracker_ros.core.config import TrackingConfig  # noqa: E402
from tracker_ros.engines.attention import Explainer, target_cells  # noqa: E402
from tracker_ros.engines.models.store import save_network  # noqa: E402
from tracker_ros.engines.watched import WatchedEngine  # noqa: E402
from tracker_ros.networks.build import build  # noqa: E402
from tracker_ros.networks.presets import PRESETS  # noqa: E402

TRUNK = {"widths": (8, 8, 16, 24), "depths": (1, 1, 1)}
HEAD = {"channels": 16, "head_channels": 16, "head_depth": 1}
CROPS = {"query_size": 96, "memory_size": 96}
SIZES = {
    "dastm": ({**HEAD, "search_cells": 12, "memory_cells": 8}, CROPS),
    "dastm_tiny": ({**TRUNK, **HEAD}, {"query_size": 96, "memory_size": 64}),
    "stmtrack_tiny": (HEAD, {"query_size": 96, "memory_size": 64}),
    "stif_tiny": (HEAD, {"query_size": 96, "memory_size": 96}),
    "ustam_tiny": (
        {"depth": 2, "channels": 32, "heads": 2, "head_channels": 16, "patch": 8,
         "query_size": 96, "template_size": 64},
        {"query_size": 96, "memory_size": 64},
    ),
    "dastsiam_tiny": ({"channels": 16, "ffn": 16, "layers": 1}, {}),
}  # fmt: skip
ALWAYS = {"lost_score": 0.0, "tracking_score": 0.0, "memory_score": 0.0, "memory_interval": 1}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Tiny networks with random weights, by name; they memorise every frame."""
    torch.manual_seed(0)
    folder, paths = tmp_path_factory.mktemp("models"), {}
    for name, (sizes, crops) in SIZES.items():
        preset = PRESETS[name]
        network = build(preset.architecture, replace(preset.network, **sizes).to_dict())
        if hasattr(network, "spatial"):
            torch.nn.init.normal_(network.spatial.weight)
        tracking = replace(TrackingConfig.from_dict(preset.tracking.to_dict()), **crops, **ALWAYS)
        paths[name] = folder / f"{name}.safetensors"
        save_network(paths[name], network, preset.architecture, tracking, {})
    return paths


@pytest.fixture(scope="module")
def follow(models):
    """``follow(name)``: a watched and a plain tracker of one clip; their boxes."""
    return cache(lambda name: _follow(models[name]))


def _follow(path, frames: int = 8):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (frames, 150, 200, 3), dtype=np.uint8)
    plain = load_tracker(path, engine="torch")
    watched = Tracker(WatchedEngine(load_tracker(path, engine="torch").engine))
    found: list[tuple[Box, Box]] = []
    for tracker in (plain, watched):
        tracker.init(images[0], (70, 50, 40, 30))
    for image in images[1:]:
        found.append(tuple(tracker.update(image).box for tracker in (plain, watched)))
    return watched, found


@pytest.mark.parametrize("name", SIZES)
def test_being_watched_changes_nothing(follow, name):
    watched, found = follow(name)
    for plain, other in found:
        np.testing.assert_array_equal(plain, other)
    state = watched.state
    assert state.query.shape[:2] == (watched.config.query_size,) * 2
    assert watched.memory_size > 1 and len(state.seen) > 1


@pytest.mark.parametrize("name", ["dastm", "dastm_tiny", "stmtrack_tiny"])
def test_the_pictures_are_those_that_were_read(models, follow, name, monkeypatch):
    watched, _ = follow(name)
    explainer, given = Explainer(models[name]), []
    look = explainer.network.look
    monkeypatch.setattr(
        explainer.network, "look", lambda query, memory: given.append(memory) or look(query, memory)
    )
    explanation = explainer.explain(watched.state, (40.0, 40.0, 20.0, 20.0))
    # Encoded again from the pictures they are the memory that the query was matched with.
    torch.testing.assert_close(given[0], watched.state.before.memory, rtol=1e-4, atol=1e-4)
    assert sum(glance.share for glance in explanation.glances) == pytest.approx(1, abs=1e-4)
    assert len(explanation.glances) == watched.state.before.memory.shape[1] / 64 > 2
    assert all(glance.heat.shape == (8, 8) for glance in explanation.glances)
    assert explanation.response.shape == (12, 12)


@torch.inference_mode()
def test_the_shares_are_those_of_the_targets_cells(models, follow):
    watched, _ = follow("dastm")
    explainer = Explainer(models["dastm"])
    state, box = watched.state, (40.0, 48.0, 16.0, 8.0)
    query = torch.from_numpy(state.query)[None]
    shares = explainer.network.look(query, state.before.memory)[0]  # 12×12 cells of 8 px
    mine = shares.view(12, 12, -1)[6, 5:7].mean(0)  # centres 44 and 52, and 52
    explanation = explainer.explain(state, box)
    theirs = np.concatenate([glance.heat.ravel() for glance in explanation.glances])
    np.testing.assert_allclose(theirs, mine.numpy(), rtol=1e-3, atol=1e-6)
    # Without a box: as large as the crop was made for, around the response's peak. The network's
    # boxes are not used; scores of 1 are in several cells.
    flat = np.ones_like(state.prediction.score)
    response = np.zeros_like(flat)
    response[6, 4] = 1.0
    best = explainer.explain(
        replace(state, prediction=replace(state.prediction, score=flat, response=response))
    )
    tracking = explainer.facts["tracking"]
    side = tracking["query_size"] / tracking["search_factor"]
    assert best.box == pytest.approx((8 * 4.5 - side / 2, 8 * 6.5 - side / 2, side, side))


def test_stif_shares_its_map_out_among_its_frames(models, follow, monkeypatch):
    watched, _ = follow("stif_tiny")
    explainer, given = Explainer(models["stif_tiny"]), []
    look = explainer.network.look
    monkeypatch.setattr(
        explainer.network, "look", lambda query, memory: given.append(memory) or look(query, memory)
    )
    explanation = explainer.explain(watched.state, (40.0, 40.0, 20.0, 20.0))
    memory = torch.as_tensor(watched.state.before.arrays["memory"])
    torch.testing.assert_close(given[0], memory, rtol=1e-4, atol=1e-4)
    assert len(explanation.glances) == 4 and explanation.glances[0].share == 0
    assert sum(glance.share for glance in explanation.glances) == pytest.approx(1, abs=1e-4)


def test_ustams_map_is_the_one_it_carries(models, follow, monkeypatch):
    watched, _ = follow("ustam_tiny")
    explainer, given = Explainer(models["ustam_tiny"]), []
    look = explainer.network.look

    def noted(*inputs):
        given.append(look(*inputs))
        return given[-1]

    monkeypatch.setattr(explainer.network, "look", noted)
    explanation = explainer.explain(watched.state, (40.0, 40.0, 20.0, 20.0))
    carried = torch.as_tensor(watched.state.inner.arrays["past"])
    torch.testing.assert_close(given[0][..., -144:], carried, rtol=1e-3, atol=1e-4)
    shares = [glance.share for glance in explanation.glances]
    assert len(shares) == 2 and sum(shares) + explanation.elsewhere == pytest.approx(1, abs=1e-4)


def test_a_siamese_network_has_a_response_and_templates(models, follow):
    watched, _ = follow("dastsiam_tiny")
    explanation = Explainer(models["dastsiam_tiny"]).explain(watched.state)
    assert explanation.glances == () and len(explanation.pictures) == 4


def test_cells_of_a_box():
    inside = target_cells(400, 160, (40.0, 48.0, 16.0, 8.0)).view(20, 20)
    assert inside.nonzero().tolist() == [[6, 5], [6, 6]]
    tiny = target_cells(400, 160, (41.0, 49.0, 1.0, 1.0)).view(20, 20)
    assert tiny.nonzero().tolist() == [[6, 5]]
    # STMTrack's 25 cells of 289 px are 8 px wide, MixViT's 18 of 288 px 16 px.
    assert target_cells(625, 289, (144.0, 144.0, 1.0, 1.0)).view(25, 25)[12, 12]
    assert target_cells(324, 288, (0.0, 0.0, 16.0, 16.0)).view(18, 18)[0, 0]


def test_a_model_without_weights_is_one_sentence(tmp_path):
    for step in ("locate", "remember"):
        (tmp_path / f"a.{step}.onnx").write_bytes(b"")
    with pytest.raises(ModelError, match="attention is computed by torch"):
        Explainer(tmp_path / "a.locate.onnx")
