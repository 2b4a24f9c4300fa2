"""A tiny network with random weights, exported once: it finds nothing, but takes every step."""

import shutil

import cv2
import numpy as np
import pytest

from tracker_ros.core.batch import update_all
from tracker_ros.core.config import TrackingConfig
from tracker_ros.core.engine import Look, Query
from tracker_ros.engines.models.files import ModelFiles

# Everything counts as found and is remembered, so that boxes move and the memory fills.
FOLLOW_ANYTHING = TrackingConfig(
    query_size=64,
    memory_size=48,
    memory_capacity=4,
    tracking_score=0.0,
    memory_score=0.0,
    lost_score=0.0,
)


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    """ModelFiles of the network; read only."""
    torch = pytest.importorskip("torch")
    from tracker_ros.engines.models.export import export_model
    from tracker_ros.engines.models.store import save_network
    from tracker_ros.networks.architectures.dastm import Dastm, DastmConfig

    torch.manual_seed(3)
    network = Dastm(
        DastmConfig(
            widths=(8, 8, 16, 24),
            depths=(1, 1, 1),
            branches=2,
            scale=True,
            channels=16,
            head_channels=16,
            head_depth=1,
        )
    )
    for part in network.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(part.weight, 0.5, 1.5)
            torch.nn.init.normal_(part.bias, std=0.3)
            torch.nn.init.normal_(part.running_mean, std=0.3)
            torch.nn.init.uniform_(part.running_var, 0.5, 2.0)
    torch.nn.init.normal_(network.head.score.weight)
    torch.nn.init.normal_(network.head.sides.weight, std=0.1)
    files = ModelFiles("tiny", tmp_path_factory.mktemp("exported"))
    save_network(files.weights, network, "dastm", FOLLOW_ANYTHING, {"data": "none", "steps": 0})
    assert export_model(files.weights, files.folder) == [
        files.graph("locate"),
        files.graph("remember"),
    ]
    return files


@pytest.fixture
def files(exported, tmp_path):
    """A copy of the exported files that a test may damage."""
    for path in exported.folder.iterdir():
        shutil.copy(path, tmp_path)
    return ModelFiles("tiny", tmp_path)


@pytest.fixture(scope="session")
def clip():
    """24 frames of a textured square that moves over a textured ground, and its first box."""
    rng = np.random.default_rng(0)
    ground = cv2.resize(rng.integers(0, 255, (15, 20, 3), np.uint8), (160, 120))
    target = cv2.resize(rng.integers(0, 255, (6, 6, 3), np.uint8), (24, 24))
    frames = []
    for step in range(24):
        frame = ground.copy()
        x, y = 40 + 2 * step, 50 + int(10 * np.sin(step / 4))
        frame[y : y + 24, x : x + 24] = target
        frames.append(frame)
    return frames, (40.0, 50.0, 24.0, 24.0)


@pytest.fixture
def together_and_alone(clip):
    """Pairs of predictions: what a tracker that learns online says to a crowd, and to each."""

    def pairs(tracker):
        frames, box = clip
        crowd = [tracker.fork() for _ in range(3)]
        starts = [box, (90.0, 20.0, 30.0, 20.0), (10.0, 80.0, 20.0, 28.0)]
        for one, start in zip(crowd, starts, strict=True):
            one.init(frames[0], start)
        update_all(crowd, [frames[1]] * 3)  # two of them are memorised
        queries = [Query(one.search(frames[2]).crop, one.state) for one in crowd]
        for i in (0, 2):  # looked at in another picture, too, and asked about
            other = crowd[i].search(frames[3]).crop
            queries[i] = queries[i]._replace(other=Look(other, 0.95))
        together = tracker.engine.locate_all(queries)
        alone = [tracker.engine.locate(*query) for query in queries]
        return [(ours, theirs) for (ours, _), (theirs, _) in zip(together, alone, strict=True)]

    return pairs
