"""A small sequence and a small untrained model: what the commands need to run for real."""

import cv2
import numpy as np
import pytest


@pytest.fixture
def sequence(tmp_path):
    """Write an OTB folder of `frames` pictures with a textured square that moves right."""

    def write(frames, name="square", size=(60, 80)):
        folder = tmp_path / "sequences" / name
        (folder / "img").mkdir(parents=True)
        texture = np.random.default_rng(0).integers(100, 255, (20, 20, 3), np.uint8)
        boxes = []
        for i in range(frames):
            image = np.full((*size, 3), 40, np.uint8)
            x = 5 + i % (size[1] - 30)
            image[20:40, x : x + 20] = texture
            cv2.imwrite(str(folder / "img" / f"{i:05}.png"), image)
            boxes.append(f"{x},20,20,20")
        (folder / "groundtruth_rect.txt").write_text("\n".join(boxes))
        return folder

    return write


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    """A tiny DASTM with random weights: it finds nothing, but takes every step."""
    torch = pytest.importorskip("torch")
    from tracker_ros.core.config import TrackingConfig
    from tracker_ros.engines.store import save_network
    from tracker_ros.networks.dastm import Dastm, DastmConfig

    torch.manual_seed(0)
    sizes = DastmConfig(
        widths=(8, 8, 8, 16), depths=(1, 1, 1), channels=16, head_channels=16, head_depth=1
    )
    tracking = TrackingConfig(query_size=64, memory_size=48)
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    save_network(path, Dastm(sizes), "dastm", tracking, {"data": "none", "steps": 0})
    return path
