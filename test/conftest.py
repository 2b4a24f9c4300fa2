"""For all tests."""

import signal
import sys

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from test.segments import remove_ownerless, segments

# A shell that starts this in the background has Ctrl-C ignored, and so would the commands that the
# tests start and interrupt. A handler is not handed down.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, lambda *_: None)  # the same for a hang-up, which ``nohup`` ignores

# Nothing depends on time or chance: ``make fuzz`` is what looks for new examples.
settings.register_profile(
    "patient", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("patient")


_before = segments()


def pytest_sessionfinish(session):
    if not hasattr(session.config, "workerinput"):  # the one that started the others
        remove_ownerless(segments() - _before)


class Scene:
    """A portrait that moves over a lawn, which is out of focus and moves, too."""

    size = (64, 72)  # of the portrait, the target
    blank = np.full((240, 320, 3), 128, np.uint8)

    def __init__(self):
        from skimage import data

        portrait = np.ascontiguousarray(data.astronaut()[60:180, 170:275, ::-1])
        self._portrait = cv2.resize(portrait, self.size, interpolation=cv2.INTER_AREA)
        lawn = cv2.cvtColor(data.grass(), cv2.COLOR_GRAY2BGR)
        self._lawn = cv2.GaussianBlur(lawn, (0, 0), 3)

    def frame(self, index: int) -> np.ndarray:
        """uint8 [240, 320, 3] BGR."""
        x, y, w, h = map(int, self.box(index))
        frame = self._lawn[index : index + 240, index : index + 320].copy()
        frame[y : y + h, x : x + w] = self._portrait
        return frame

    def box(self, index: int) -> tuple[float, float, float, float]:
        """Where the portrait is in that frame."""
        return (110.0 + 3 * index, 70.0 + index, *map(float, self.size))


class Party:
    """Pictures that move over a lawn, each its own way; a frame may lack some of them."""

    def __init__(self):
        from skimage import data

        lawn = cv2.GaussianBlur(cv2.cvtColor(data.grass(), cv2.COLOR_GRAY2BGR), (0, 0), 3)
        self._lawn = np.ascontiguousarray(lawn[:360, :480])
        cuts = (data.astronaut()[60:180, 170:275], data.chelsea()[60:200, 150:290],
                data.coffee()[100:330, 170:400])  # fmt: skip
        self._pictures = [
            cv2.resize(np.ascontiguousarray(cut[..., ::-1]), (60, 60), interpolation=cv2.INTER_AREA)
            for cut in cuts
        ]

    def box(self, who: int, index: int) -> tuple[float, float, float, float]:
        """Where a picture is in a frame."""
        x, y, dx, dy = ((40, 40, 3, 1), (300, 60, -2, 2), (200, 250, 2, -2))[who]
        return (float(x + dx * index), float(y + dy * index), 60.0, 60.0)

    def frame(self, index: int, missing=(), boxes=None) -> np.ndarray:
        """uint8 [360, 480, 3] BGR; ``boxes``: other (who, box) than usual, the last in front."""
        frame = self._lawn.copy()
        usual = [(who, self.box(who, index)) for who in range(3) if who not in missing]
        for who, (x, y, w, h) in boxes or usual:
            frame[int(y) : int(y + h), int(x) : int(x + w)] = self._pictures[who]
        return frame


@pytest.fixture(scope="session")
def party():
    return Party()


@pytest.fixture(autouse=True)
def torch_as_ever():
    """Whatever came before: which file of tests that is, three processes decide by their speed."""
    if "torch" in sys.modules:
        torch = sys.modules["torch"]
        torch.manual_seed(0)
        torch.set_num_threads(1)  # tensors are so small that threads only wait for each other


def save_tiny(path, **design):
    """A tiny DASTM with random weights: it finds nothing, but takes every step."""
    torch = pytest.importorskip("torch", reason="torch is not installed here")
    from tracker_ros.core.config import TrackingConfig
    from tracker_ros.engines.models.store import save_network
    from tracker_ros.networks.architectures.dastm import Dastm, DastmConfig

    torch.manual_seed(0)
    sizes = DastmConfig(
        **{"widths": (8, 8, 8, 16), "depths": (1, 1, 1), "channels": 16},
        **{"head_channels": 16, "head_depth": 1, **design},
    )
    tracking = TrackingConfig(query_size=64, memory_size=48)
    save_network(path, Dastm(sizes), "dastm", tracking, {"data": "none", "steps": 0})
    return path


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    return save_tiny(tmp_path_factory.mktemp("model") / "tiny.safetensors")


@pytest.fixture(scope="session")
def scene():
    return Scene()
