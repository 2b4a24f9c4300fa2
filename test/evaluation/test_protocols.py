"""Scores of each protocol, against the toolkit `got10k` where it is installed and its numbers."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker_ros.core.errors import InputError
from tracker_ros.evaluation.metrics import longest_tracked
from tracker_ros.evaluation.protocols import PROTOCOLS, summary
from tracker_ros.evaluation.results import SequenceResult

NAN = [np.nan] * 4
SIZE = 320, 240


def result(boxes, truth, name="a", **values):
    """A result with what the protocols look at."""
    boxes, truth = np.array(boxes, float), np.array(truth, float)
    count = len(boxes)
    fields = {
        "sequence": name,
        "boxes": boxes,
        "truth": truth,
        "scores": np.ones(count),
        "seconds": np.full(count, 0.01),
        "lost": np.zeros(count, bool),
        "gates": np.full((count, 4), np.nan, np.float32),
        "branches": np.full(count, -1, np.int8),
        "scored": np.ones(count, bool),
        "size": SIZE,
    }
    return SequenceResult(**fields | values)


def synthetic(absent: bool) -> list[SequenceResult]:
    """Three sequences of random walks; boxes reach over the picture's edges."""
    random = np.random.default_rng(7)
    results = []
    for name, count in (("a", 40), ("b", 90), ("c", 25)):
        corner = 100 + np.cumsum(random.normal(0, 12, (count, 2)), 0)
        truth = np.column_stack((corner, random.uniform(20, 90, (count, 2))))
        boxes = truth + random.normal(0, 9, (count, 4))
        boxes[0] = truth[0]
        scored = random.random(count) > 0.15
        scored[0] = False
        if absent:
            truth[random.random(count) < 0.2] = np.nan
        results.append(result(boxes, truth, name, scored=scored))
    return results


def all_scored(results):
    return [replace(r, scored=np.ones(len(r), bool)) for r in results]


# What got10k 0.1.3 computes for `synthetic`.
GOLDEN = {
    "otb": {"auc": 0.500026455026455, "precision": 0.8044444444444445},
    "uav123": {"auc": 0.5182335833876931, "precision": 0.8414383561643834},
    "got10k": {"ao": 0.555205961768696, "sr50": 0.64, "sr75": 0.2},
}


def of_toolkit() -> dict[str, dict[str, float]]:
    from got10k.experiments.got10k import ExperimentGOT10k
    from got10k.experiments.otb import ExperimentOTB
    from got10k.experiments.uav123 import ExperimentUAV123
    from got10k.utils.metrics import rect_iou

    found = {}
    for name, kind, absent in (("otb", ExperimentOTB, False), ("uav123", ExperimentUAV123, True)):
        experiment = kind.__new__(kind)
        experiment.nbins_iou, experiment.nbins_ce = 21, 51
        curves = [
            experiment._calc_curves(*experiment._calc_metrics(r.boxes, r.truth))
            for r in synthetic(absent)
        ]
        success, hits = (np.mean(side, 0) for side in zip(*curves, strict=True))
        found[name] = {"auc": success.mean(), "precision": hits[20]}
    experiment = ExperimentGOT10k.__new__(ExperimentGOT10k)
    ious = [rect_iou(r.boxes, r.truth, bound=SIZE)[r.scored] for r in synthetic(False)]
    ious = np.concatenate(ious)
    ao, sr50, _, curve = experiment._evaluate(ious, np.ones(3))
    found["got10k"] = {"ao": ao, "sr50": sr50, "sr75": curve[75]}
    return found


def ours(name: str) -> dict[str, float]:
    results = synthetic(absent=name == "uav123")
    return PROTOCOLS[name].overall(results if name == "got10k" else all_scored(results))


@pytest.mark.parametrize("name", GOLDEN)
def test_agrees_with_the_toolkits_numbers(name):
    assert ours(name) == pytest.approx(GOLDEN[name], abs=1e-12)


def test_agrees_with_the_toolkit():
    pytest.importorskip(
        "got10k.experiments", reason="the got10k toolkit is not installed", exc_type=ImportError
    )
    for name, expected in of_toolkit().items():
        assert ours(name) == pytest.approx(expected, abs=1e-12), name


BOX, FAR = [100, 100, 20, 20], [100, 150, 20, 20]


def test_lasot_counts_absent_frames_as_misses():
    seen = result([BOX, BOX, FAR], [BOX] * 3)
    hidden = result([BOX, BOX, FAR, BOX], [BOX, BOX, BOX, NAN])
    lasot, otb = PROTOCOLS["lasot"], PROTOCOLS["otb"]
    assert lasot.score(seen)["auc"] == pytest.approx(2 / 3 * 20 / 21)
    assert lasot.score(hidden)["auc"] == pytest.approx(2 / 4 * 20 / 21)
    assert lasot.score(hidden)["precision"] == lasot.score(hidden)["normalised_precision"] == 2 / 4
    assert otb.score(hidden) == otb.score(seen)
    np.testing.assert_array_equal(lasot.frames(hidden).overlap, [1, 1, 0, -1])


def test_normalised_precision_is_in_sides_of_the_truth():
    wide = [100, 100, 100, 10]
    moved = [[100 + x, 100 + y, 100, 10] for x, y in ((19, 0), (21, 0), (0, 1.9), (0, 2.1))]
    assert PROTOCOLS["lasot"].score(result(moved, [wide] * 4))["normalised_precision"] == 2 / 4


def test_got10k_pools_frames_and_cuts_boxes_to_the_picture():
    scored = np.array([False, True, True])
    good = result([BOX] * 3, [BOX] * 3, scored=scored)
    bad = result([BOX, FAR], [BOX] * 2, "b", scored=scored[:2])
    got10k = PROTOCOLS["got10k"]
    assert got10k.overall([good, bad])["ao"] == pytest.approx(2 / 3)  # not the mean of 1 and 0
    edge = result([BOX, [310, 0, 50, 10]], [BOX, [310, 0, 10, 10]], scored=scored[:2])
    assert got10k.score(edge) == {"ao": 1, "sr50": 1, "sr75": 1}


def test_got10k_thresholds_are_strict():
    half = result([BOX, [100, 100, 20, 10]], [BOX, BOX], scored=np.array([False, True]))
    assert PROTOCOLS["got10k"].score(half) == {"ao": 0.5, "sr50": 0, "sr75": 0}


@given(st.lists(st.booleans(), min_size=1, max_size=60), st.sampled_from((50, 95, 100)))
def test_longest_tracked_run_is_the_longest(hits, percent):
    count = len(hits)
    longest = max(
        (j - i for i in range(count) for j in range(i + 1, count + 1)
         if 100 * sum(hits[i:j]) >= percent * (j - i)),
        default=0,
    )  # fmt: skip
    assert longest_tracked(np.array(hits) * 0.6, percent) == longest / count


def test_tlp_has_the_longest_tracked_run():
    boxes = [BOX] * 60 + [FAR] + [BOX] * 19 + [FAR] * 20
    assert PROTOCOLS["tlp"].score(result(boxes, [BOX] * 100))["lsm"] == 0.83  # 79 of 83 is 95.2 %


def test_a_missing_box_is_a_miss():
    boxes = [BOX, NAN]
    for name in ("otb", "lasot"):
        score = PROTOCOLS[name].score(result(boxes, [BOX] * 2))
        assert score["precision"] == 0.5
        assert score["auc"] == pytest.approx(10 / 21)


def test_what_cannot_be_scored():
    for name in ("otb", "lasot"):
        with pytest.raises(InputError, match="'a': no frame has a true box"):
            PROTOCOLS[name].score(result([BOX], [NAN]))
    with pytest.raises(InputError, match="no results"):
        summary("otb", [])


def test_the_server_scores_what_only_it_knows():
    scores = summary("server", [result([BOX, BOX], [BOX, NAN])])
    assert scores["fps"] == pytest.approx(100)
    assert set(scores["per_sequence"]["a"]) == {
        "fps", "seconds", "frames", "absent", "lost", "branches",
    }  # fmt: skip
