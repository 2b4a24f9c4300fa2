"""The node runs every architecture, by the name of a shipped model or the path of another."""

from dataclasses import replace

import pytest

from tracker_ros.engines.weights import ModelFiles
from tracker_ros.paths import share_dir

TINY = ("stmtrack_tiny", "stif_tiny", "ustam_tiny", "dastsiam_tiny", "siamfc_st_tiny")


def configure(tracker, model: str) -> None:
    for transition in ("deactivate", "cleanup"):
        assert tracker.change_state(transition)
    assert tracker.set_parameters(model=model) == []
    for transition in ("configure", "activate"):
        assert tracker.change_state(transition)
    tracker.meet()


@pytest.fixture
def configured(tracker):
    """Configures the node with a model; afterwards with the shipped one again."""
    yield lambda model: configure(tracker, model)
    configure(tracker, "dastm")


def untrained(name: str, folder) -> str:
    """Weights of a preset that know nothing but whose every frame counts as tracked; their path."""
    torch = pytest.importorskip("torch")
    from tracker_ros.engines.store import save_network
    from tracker_ros.networks.build import build
    from tracker_ros.networks.presets import PRESETS

    torch.manual_seed(0)
    made = PRESETS[name]
    tracking = replace(made.tracking, tracking_score=0.0, memory_score=0.0, lost_score=0.0)
    network = build(made.architecture, made.network.to_dict())
    files = ModelFiles(name, folder)
    save_network(files.weights, network, made.architecture, tracking, {})
    return str(files.weights)


@pytest.mark.parametrize("name", TINY)
def test_a_clip_is_tracked_through_the_node(tracker, scene, configured, name, tmp_path):
    shipped = ModelFiles(name, share_dir() / "models").has_graphs
    configured(name if shipped else untrained(name, tmp_path))
    target = tracker.start(scene.frame(0), scene.box(0))
    for index in range(1, 6):
        detections, status = tracker.ask(scene.frame(index))
        assert [detection.id for detection in detections.detections] == [target]
        assert not any(key.startswith("gate_") and value for key, value in status.items())
        if shipped:
            assert tracker.overlap(detections, scene.box(index)) > 0.4
    assert status["state"] == "TRACKING" and int(status["memory_size"]) >= 2
