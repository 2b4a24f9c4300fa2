"""STMTrack, STIF and USTAM learn one clip by heart, track it, and do so in ONNX Runtime, too."""

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
pytest.importorskip("onnx")

# A network that learnt for seconds is not sure of itself; what it finds is remembered nevertheless.
TRACKING = TrackingConfig(
    query_size=64,
    memory_size=64,
    search_factor=3.0,
    memory_capacity=4,
    tracking_score=0.1,
    memory_score=0.1,
    lost_score=0.05,
)


class Case(NamedTuple):
    """What is learnt: sizes of the network, memory frames of a sample, updates, samples of each."""

    network: dict
    tracking: TrackingConfig
    memory: int
    steps: int
    rate: float = 5e-3
    batch: int = 6


CASES = {
    "stmtrack": Case(  # with its own backbone and head, narrow; unpadded, it needs larger crops
        {"width": 0.15, "channels": 32, "head_channels": 32, "head_depth": 2},
        replace(TRACKING, query_size=145, memory_size=145, search_factor=4.0),
        2,
        50,
        batch=4,
    ),
    "stif": Case(
        {
            "backbone": "mobileone",
            "widths": (16, 16, 24, 32),
            "depths": (1, 1, 1),
            "channels": 32,
            "head_channels": 32,
            "head_depth": 1,
            "head_kind": "separable",
        },
        TRACKING,
        4,
        150,
    ),
    "ustam": Case(
        {
            "channels": 48,
            "depth": 2,
            "heads": 2,
            "query_size": 64,
            "template_size": 64,
            "patch": 8,
            "head_channels": 32,
        },
        replace(
            TRACKING,
            memory_capacity=2,
            tracking_score=0.0,
            memory_score=0.0,
            lost_score=0.0,
            window_influence=0.0,
            penalty=0.0,
            size_rate=2.0,
        ),
        2,
        150,
        3e-3,
    ),
}


def truth(clip):
    """The boxes of the square in the frames of ``clip``, [N, 4]."""
    x, y, w, h = clip[1]
    steps = np.arange(len(clip[0]))
    places = x + 2 * steps, y + (10 * np.sin(steps / 4)).astype(int)
    return np.stack([*places, np.full(len(steps), w), np.full(len(steps), h)], 1)


def draw(clip, rng, case):
    """A batch of samples out of the clip."""
    from tracker_ros.training.samples.batches import Batch

    boxes, parts = truth(clip), []
    for _ in range(case.batch):
        query = int(rng.integers(1, len(boxes)))
        shown = [*sorted(rng.integers(0, query + 1, case.memory)), query]
        cuts = []
        for place, index in enumerate(shown):
            seen, factor = boxes[index].copy(), case.tracking.search_factor
            if place == case.memory:
                seen[:2] += rng.uniform(-12, 12, 2)
                factor *= np.exp(rng.uniform(-0.3, 0.3))
            window = window_around(seen, factor, case.tracking.query_size)
            cuts.append((crop(clip[0][index], window), window.to_crop(boxes[index])))
        images, places = zip(*cuts, strict=True)
        parts.append((np.stack(images), np.array(places, np.float32)))
    images, places = (torch.from_numpy(np.stack(part)) for part in zip(*parts, strict=True))
    return Batch(
        images[:, :-1],
        places[:, :-1],
        images[:, -1:],
        places[:, -1:],
        torch.ones(case.batch).bool(),
    )


@pytest.fixture(scope="module", params=sorted(CASES))
def learnt(request, clip, tmp_path_factory):
    """Files of a network that was trained on the clip, and the losses."""
    from tracker_ros.engines.models.export import export_model
    from tracker_ros.engines.models.store import save_network
    from tracker_ros.networks.build import build
    from tracker_ros.training.recipes import recipe

    torch.manual_seed(0)
    paper = recipe(request.param)
    name, case, rng = request.param, CASES[request.param], np.random.default_rng(0)
    network = build(name, case.network)
    optimiser, losses = torch.optim.AdamW(network.parameters()), []
    for step in range(case.steps):
        optimiser.param_groups[0]["lr"] = case.rate * min(1, 2.5 * (1 - step / case.steps))
        terms = paper.loss(network, draw(clip, rng, case), case.tracking, paper.training.losses)
        optimiser.zero_grad()
        terms["total"].backward()
        optimiser.step()
        losses.append({key: value.item() for key, value in terms.items()})
    files = ModelFiles(name, tmp_path_factory.mktemp(name))
    save_network(files.weights, network, name, case.tracking, {"data": "one clip"})
    export_model(files.weights, files.folder)
    return files, losses


def track(files, engine, clip):
    tracker = load_tracker(files.weights, engine=engine)
    tracker.init(clip[0][0], clip[1])
    return tracker, [tracker.update(frame) for frame in clip[0][1:]]


def test_one_clip_is_learnt_by_heart(learnt):
    _, losses = learnt
    assert losses[-1]["total"] < losses[0]["total"] / 2
    assert losses[-1]["overlap"] > 0.55


def test_the_clip_is_tracked_by_both_engines_alike(learnt, clip):
    (tracker, ours), (_, theirs) = (track(learnt[0], e, clip) for e in ("torch", "onnx"))
    overlaps = iou(np.array([result.box for result in ours]), truth(clip)[1:])
    assert overlaps.mean() > 0.5 and overlaps.min() > 0.2
    assert tracker.memory_size == tracker.config.memory_capacity and tracker.gate is None
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.box, b.box, atol=1e-3)
        assert a.score == pytest.approx(b.score, abs=1e-4) and a.state is b.state
