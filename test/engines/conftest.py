"""A tiny network with random weights, exported once: it finds nothing, but takes every step."""

import shutil

import cv2
import numpy as np
import pytest

from tracker_ros.core.config import TrackingConfig
from tracker_ros.engines.models.weights import ModelFiles

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
