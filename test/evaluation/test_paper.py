"""How the papers ran their trackers."""

import pytest

from tracker_ros.core.config import TrackingConfig
from tracker_ros.core.errors import ParameterError
from tracker_ros.core.state import Presence, TargetState
from tracker_ros.evaluation.paper import PAPERS, paper_tracking
from tracker_ros.networks.build import ARCHITECTURES
from tracker_ros.networks.presets import PRESETS

OWN = PRESETS["stmtrack"].tracking


@pytest.mark.parametrize("name", PAPERS)
def test_no_target_is_ever_lost(name):
    config = paper_tracking(name, "otb", TrackingConfig())
    presence = Presence()
    for _ in range(100):
        presence = presence.after(0.0, config)
        assert presence.state is TargetState.TRACKING
    assert config.minimum_side == 10


def test_every_papers_network_is_there():
    assert set(PAPERS) == set(ARCHITECTURES) - {"dastm_filter"}
    with pytest.raises(ParameterError, match="dastm_filter is no paper's network"):
        paper_tracking("dastm_filter", "otb", OWN)


def test_stmtracks_release_has_values_of_its_own_for_some_sets():
    sets = ("otb", "uav123", "vot", "got10k", "lasot", "trackingnet", "folder")
    made = {name: paper_tracking("stmtrack", name, OWN) for name in sets}
    values = {
        name: (c.size_rate, c.window_influence, c.penalty, c.search_factor)
        for name, c in made.items()
    }
    assert values["otb"] == pytest.approx((0.5501, 0.2053, 0.0759, 4), abs=5e-5)
    assert values["uav123"] == pytest.approx((0.5405, 0.2030, 0.0707, 4.1717), abs=5e-5)
    assert values["vot"] == pytest.approx((0.9629, 0.2674, 0.0412, 4.0563), abs=5e-5)
    for name in ("got10k", "lasot", "trackingnet", "folder"):
        assert values[name] == (0.95, 0.21, 0.04, 4)
    assert [made[name].last_score for name in ("otb", "vot")] == [0.6, 0]
    assert all(c.memory_score == 0 and c.memory_blend == c.size_trust == 1 for c in made.values())


def test_sizes_are_smoothed_by_the_score_alone_where_siamrpns_heirs_smooth_them():
    made = {name: paper_tracking(PRESETS[name].architecture, "otb", PRESETS[name].tracking)
            for name in ("stmtrack", "stif", "dastm_paper", "dastsiam")}  # fmt: skip
    assert {name: config.size_trust for name, config in made.items()} == dict.fromkeys(made, 1)
