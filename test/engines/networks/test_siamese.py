"""DASTSiam and SiamFC learn one clip, track it, are exported, and update by the paper's rule."""

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest

from tracker_ros import load_tracker
from tracker_ros.core.config import TrackingConfig
from tracker_ros.core.geometry.crop import crop, window_around
from tracker_ros.engines.models.files import ModelFiles
from tracker_ros.evaluation.metrics import iou

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

SIZES = {
    "backbone": "mobileone",
    "widths": (8, 8, 16, 32),
    "depths": (1, 1, 1),
    "channels": 32,
    "template_cells": 3,
    "heads": 2,
    "ffn": 64,
    "layers": 1,
}
OWN = {"dastsiam": {"anchor": 28.0}, "siamfc": {"channels": 24, "search_size": 112}}
QUERY = {"dastsiam": 112, "siamfc": 116}


def make(architecture: str, **options):
    """A very small network and the preset's way of tracking, at its sizes."""
    from tracker_ros.networks.build import build
    from tracker_ros.networks.presets import PRESETS

    torch.manual_seed(0)
    size = QUERY[architecture]
    tracking = replace(
        PRESETS["siamfc_st" if architecture == "siamfc" else architecture].tracking,
        query_size=size,
        memory_size=56,
        search_factor=2 * size / 56,
    )
    return build(architecture, {**SIZES, **OWN[architecture], **options}), tracking


def truth(step: int) -> tuple[float, ...]:
    """Of the conftest's clip."""
    return 40.0 + 2 * step, 50.0 + int(10 * np.sin(step / 4)), 24.0, 24.0


def draw(frames, tracking: TrackingConfig, rng, count: int):
    """A batch out of the clip: T_i, T_a, T_c and a query, shifted."""
    from tracker_ros.training.samples.batches import Batch

    memory, queries, boxes = [], [], []
    for _ in range(count):
        first, last, seen = sorted(rng.integers(0, len(frames) - 1, 3))
        for step in (first, last, last + 1):
            window = window_around(truth(step), tracking.memory_factor, tracking.memory_size)
            memory.append(crop(frames[step], window))
        x, y, w, h = truth(seen)
        dx, dy = rng.uniform(-20, 20, 2)
        window = window_around((x + dx, y + dy, w, h), tracking.search_factor, tracking.query_size)
        queries.append(crop(frames[seen], window))
        boxes.append(window.to_crop(truth(seen)))
    return Batch(
        torch.from_numpy(np.stack(memory)).unflatten(0, (count, 3)),
        torch.zeros(count, 3, 4),
        torch.from_numpy(np.stack(queries))[:, None],
        torch.tensor(boxes, dtype=torch.float32)[:, None],
        torch.ones(count, dtype=torch.bool),
    )


class Learnt(NamedTuple):
    architecture: str
    files: ModelFiles
    losses: list[float]


@pytest.fixture(scope="module", params=["dastsiam", "siamfc"])
def learnt(request, clip, tmp_path_factory):
    """A very small network that has learnt one clip; saved and exported."""
    from tracker_ros.engines.models.export import export_model
    from tracker_ros.engines.models.store import save_network
    from tracker_ros.training.recipes import RECIPES

    recipe = RECIPES[request.param]
    network, tracking = make(request.param)
    torch.set_num_threads(1)
    rng, losses, steps = np.random.default_rng(1), [], 50
    optimiser = torch.optim.AdamW(network.parameters(), 3e-3)
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = 3e-3 * (1 - step / steps)
        batch = draw(clip[0], tracking, rng, 6)
        loss = recipe.loss(network, batch, tracking, recipe.training.losses)["total"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    files = ModelFiles("small", tmp_path_factory.mktemp(request.param))
    save_network(files.weights, network, request.param, tracking, {"data": "one clip"})
    export_model(files.weights, files.folder)
    return Learnt(request.param, files, losses)


def run(tracker, clip):
    frames, box = clip
    tracker.init(frames[0], box)
    return [tracker.update(frame) for frame in frames[1:]]


def test_learns_one_clip(learnt):
    assert np.mean(learnt.losses[-5:]) < 0.4 * learnt.losses[0]


def test_tracks_the_clip_that_it_learnt_alike_through_both_engines(learnt, clip):
    trackers = [load_tracker(learnt.files.weights, engine=engine) for engine in ("torch", "onnx")]
    ours, theirs = (run(tracker, clip) for tracker in trackers)
    for a, b in zip(ours, theirs, strict=True):
        assert np.abs(np.subtract(a.box, b.box)).max() < 1e-2
        assert a.score == pytest.approx(b.score, abs=1e-4) and a.state is b.state
    wanted = np.array([truth(step) for step in range(1, len(clip[0]))])
    overlaps = iou(np.array([result.box for result in ours]), wanted)
    assert np.mean(overlaps) > 0.5 and min(overlaps[-5:]) > 0.3
    assert iou(np.array([clip[1]]), wanted[-1:])[0] == 0  # where it was at first, it is no more
    assert [tracker.memory_size for tracker in trackers] == [3, 3]


def test_graphs_carry_the_templates(learnt):
    graphs = {
        step: onnx.load(learnt.files.graph(step)).graph for step in ("start", "locate", "remember")
    }
    taken = {step: [value.name for value in graph.input] for step, graph in graphs.items()}
    kept = ["shape"] * (learnt.architecture == "siamfc")
    assert taken == {
        "start": ["crop", "box"],
        "locate": ["crop", "target", *kept],
        "remember": ["crop", "box", "initial", "target"],
    }
    for graph in graphs.values():
        for value in graph.input:
            assert all(side.HasField("dim_value") for side in value.type.tensor_type.shape.dim)


def test_without_st_both_engines_run_too(clip, tmp_path):
    from tracker_ros.engines.models.export import export_model
    from tracker_ros.engines.models.store import save_network

    network, tracking = make("siamfc", st=False)
    tracking = replace(tracking, memory_score=0.0, tracking_score=0.0, lost_score=0.0)
    files = ModelFiles("plain", tmp_path)
    save_network(files.weights, network, "siamfc", tracking, {"data": "none"})
    export_model(files.weights, tmp_path)
    short = clip[0][:4], clip[1]
    ours, theirs = (
        run(load_tracker(files.weights, engine=engine), short) for engine in ("torch", "onnx")
    )
    for a, b in zip(ours, theirs, strict=True):
        assert np.abs(np.subtract(a.box, b.box)).max() < 1e-2


def logit(probability: float) -> float:
    return math.log(probability / (1 - probability))


def answering(p1: float, p2: float):
    """A tracker of a DASTSiam that gives every cell p1 and p2."""
    from tracker_ros.engines import network_tracker

    network, tracking = make("dastsiam")
    with torch.no_grad():
        for branch in (network.head.logits, network.head.confidence):
            branch.weight.zero_()
        network.head.logits.bias.copy_(torch.tensor([0.0, logit(p1)]))
        network.head.confidence.bias.fill_(logit(p2))
    return network_tracker(network.eval(), "dastsiam", tracking), network


@pytest.mark.parametrize(
    ("p1", "p2", "updates"),
    [
        (0.7, 0.4801, True),
        (0.7, 0.4799, False),
        (0.4801, 0.7, True),
        (0.4799, 0.7, False),
        (0.59 + 1e-6, 0.59 + 1e-6, True),
        (0.59 - 1e-6, 0.59 - 1e-6, False),
        (0.99, 0.1, False),
        (1 - 1e-6, 1 - 1e-6, True),
    ],
)
def test_a_frame_becomes_a_template_if_p1_and_p2_exceed_1_18(p1, p2, updates, clip):
    tracker, network = answering(p1, p2)
    frames, box = clip
    tracker.init(frames[0], box)
    before = tracker._state.arrays
    result = tracker.update(frames[1])
    assert result.score == pytest.approx((p1 + p2) / 2, abs=1e-6)
    after = tracker._state.arrays
    assert after["initial"] is before["initial"]  # f_i is fixed
    assert (tracker.memory_size == 2) is updates
    assert torch.equal(after["target"], before["target"]) is not updates
    if updates:  # f_a is the last result of ST, f_c the new crop
        config = tracker.config
        window = window_around(tracker.last_box, config.memory_factor, config.memory_size)
        with torch.inference_mode():
            current = network.template(torch.from_numpy(crop(frames[1], window))[None])
            wanted = network.fuse(before["initial"], before["target"], current)
        torch.testing.assert_close(after["target"], wanted, rtol=1e-4, atol=1e-4)


def test_no_float_is_equal_to_the_threshold():
    """So that "at least .59", which the tracker asks, is "p1 + p2 > 1.18"."""
    below = np.float32(0.59)
    assert float(below) < 0.59 < float(np.nextafter(below, np.float32(1)))
