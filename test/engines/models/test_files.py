"""What of a tracking config is said to have no effect on a network's tracker has none."""

from dataclasses import replace

import pytest

from tracker_ros.datasets.synthetic.clip import SyntheticClip
from tracker_ros.engines import load_tracker
from tracker_ros.engines.models.files import idle_tracking

OTHER = {"memory_capacity": 1, "memory_segments": 2}  # than any network has


def followed(model, tracking=None):
    """Boxes and scores in the frames of a clip, and the tracker."""
    clip = SyntheticClip(6)
    tracker = load_tracker(model, engine="torch", device="cpu", tracking=tracking)
    tracker.init(clip.render(0), clip.truth(0))
    results = [tracker.update(clip.render(i)) for i in range(1, clip.length)]
    return [(one.box, one.score) for one in results], tracker


@pytest.mark.parametrize(
    ("model", "idle"),
    [
        ("dastm", {"penalty"}),
        ("stmtrack_tiny", {"refine_place", "filter_rate"}),
        ("ustam_tiny", {"last_score", "memory_capacity", "scale_step"}),
    ],
)
def test_what_is_idle_changes_nothing(model, idle):
    pytest.importorskip("torch")
    before, tracker = followed(model)
    facts = tracker.engine.facts
    found = idle_tracking(facts["architecture"], facts["network"])
    assert idle <= found.keys()
    values = {name: OTHER.get(name, 0.77) for name in found}
    assert followed(model, replace(tracker.config, **values))[0] == before


def test_without_a_refiner_nothing_refines():
    found = idle_tracking("dastm_filter", {"filter": "online"})
    assert "refine_place" in found and "filter_rate" not in found
