"""For all tests."""

import signal
import sys

import pytest
from hypothesis import settings

# A shell that starts this in the background has Ctrl-C ignored, and so would the commands that the
# tests start and interrupt. A handler is not handed down.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine must not fail a test: nothing here depends on time.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture(autouse=True)
def one_thread():
    """The tensors of the tests are so small that torch's threads only wait for each other."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    """A tiny DASTM with random weights: it finds nothing, but takes every step."""
    torch = pytest.importorskip("torch", reason="torch is not installed here")
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
