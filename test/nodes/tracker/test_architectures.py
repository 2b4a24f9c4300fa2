"""The node runs every architecture, by the name of a shipped model."""

import pytest

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


@pytest.mark.parametrize("name", TINY)
def test_a_clip_is_tracked_through_the_node(tracker, scene, configured, name):
    pytest.importorskip("torch")  # their graphs are not shipped
    from tracker_ros.networks.presets import PRESETS

    configured(name)
    target = tracker.start(scene.frame(0), scene.box(0))
    for index in range(1, 6):
        detections, status = tracker.ask(scene.frame(index))
        assert [detection.id for detection in detections.detections] == [target]
        assert not any(key.startswith("gate_") and value for key, value in status.items())
        assert tracker.overlap(detections, scene.box(index)) > 0.4
    sure = float(status["score"]) >= PRESETS[name].tracking.memory_score
    assert status["state"] == "TRACKING" and int(status["memory_size"]) >= 1 + sure


def test_the_small_dastm_decides_and_tracks_in_the_node(tracker, scene, configured):
    configured("dastm_nano")
    tracker.start(scene.frame(0), scene.box(0))
    for index in range(1, 6):
        detections, status = tracker.ask(scene.frame(index))
        assert tracker.overlap(detections, scene.box(index)) > 0.4
    assert status["gate_branch"] in ("skip", "se", "ca", "cbam")
