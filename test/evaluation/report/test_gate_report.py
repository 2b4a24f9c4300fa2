"""What the gate chose, counted by hand."""

import json

import cv2
import numpy as np
import pytest

from tracker_ros.commands import main
from tracker_ros.core.errors import InputError
from tracker_ros.core.gate import BRANCHES
from tracker_ros.evaluation.gate.report import NEARBY, decisions, gate_report
from tracker_ros.evaluation.results import SequenceResult, result_path

NAN = float("nan")


def result(name, chosen, motion=0.0, absent=(), attributes=(), scores=None):
    """A sequence whose target moves ``motion`` sizes a frame. ``chosen``: for each frame but the
    last the index of the branch that it was memorised with, or None."""
    count = len(chosen) + 1
    truth = np.tile([50.0, 50, 40, 40], (count, 1))
    truth[:, 0] += 40 * motion * np.arange(count)
    truth[list(absent)] = NAN
    gates, branches = np.full((count, 4), NAN, np.float32), np.full(count, -1, np.int8)
    for frame, branch in enumerate(chosen):
        gates[frame + 1], branches[frame + 1] = gates[frame], branches[frame]
        if branch is not None:
            gates[frame + 1] = 0.1 + 0.0001 * frame  # every frame has weights of its own
            gates[frame + 1, branch], branches[frame + 1] = 0.6, branch
    return SequenceResult(
        sequence=name,
        boxes=truth.copy(),
        truth=truth,
        scores=np.ones(count) if scores is None else np.asarray(scores),
        seconds=np.full(count, 0.01),
        lost=np.zeros(count, bool),
        gates=gates,
        branches=branches,
        scored=np.ones(count, bool),
        size=(320, 240),
        attributes=attributes,
    )


def rows(report, title):
    (table,) = [t for t in (report.sequences, *report.conditions) if t.title == title]
    return dict(zip(table.rows, table.counts.tolist(), strict=True))


def test_only_memorised_frames_count():
    one = decisions(result("a", [1, None, None, 2, 2, None], motion=0.03))
    assert one.frames.tolist() == [0, 3, 4] and one.branches.tolist() == [1, 2, 2]
    assert np.isnan(one.motion[0]) and one.motion[1:] == pytest.approx([0.03, 0.03])
    assert (one.occluded == -1).all() and not one.absent.any()


def test_counts_against_motion_and_confidence():
    still = result("still", [0] * 6 + [1] * 2)
    fast = result("fast", [3] * 5 + [0], motion=0.15, scores=[1, 0.6, 0.6, 0.6, 0.3, 0.9, 1])
    report = gate_report("dastm", [still, fast])
    assert rows(report, "sequences") == {
        "still": [6, 2, 0, 0],
        "fast": [1, 0, 0, 5],
        "all": [7, 2, 0, 5],
    }
    # The first frame of each has not moved from anywhere.
    assert rows(report, "motion") == {
        "below 0.02": [5, 2, 0, 0],
        "0.02 to 0.05": [0] * 4,
        "0.05 to 0.1": [0] * 4,
        "0.1 to 0.2": [1, 0, 0, 4],
        "0.2 and more": [0] * 4,
    }
    confidence = rows(report, "tracker's confidence")
    assert confidence["lowest quarter"] == [0, 0, 0, 4] and sum(map(sum, confidence.values())) == 14
    assert report.dominant is None and report.verdict.startswith("no branch takes over: skip 50.0%")
    assert report.constancy == pytest.approx((6 + 5) / 14)


def test_what_the_sequences_alone_would_give_is_told_apart():
    still, fast = result("still", [0, 0, 1, 1]), result("fast", [3, 3, 3, 2], motion=0.3)
    (motion,) = [t for t in gate_report("dastm", [still, fast]).conditions if t.title == "motion"]
    # Three frames of each count: within a sequence, motion changes nothing.
    assert motion.expected[0].tolist() == pytest.approx([1.5, 1.5, 0, 0])
    assert motion.expected[-1].tolist() == pytest.approx([0, 0, 0.75, 2.25])
    assert motion.totals.tolist() == [3, 0, 0, 0, 3]


def test_a_choice_by_sequence_is_said():
    each = [result(name, [branch] * 40) for name, branch in (("a", 0), ("b", 2), ("c", 3))]
    report = gate_report("dastm", each)
    assert report.dominant is None and report.constancy == 1
    assert report.verdict.endswith("follows the sequence, not the frame")


def test_occlusion_by_attribute_and_by_absence():
    count = 3 * NEARBY
    shown = result("shown", [0] * 4, attributes=("blur",))
    hidden = result("hidden", [2] * count, absent=[count // 2], attributes=("OCC",))
    report = gate_report("dastm", [shown, hidden])
    assert rows(report, "occlusion") == {
        "without": [4, 0, 0, 0],
        "with": [0, 0, count, 0],
    }
    near = rows(report, "near an absence")
    assert near[f"within {NEARBY} frames"] == [0, 0, 2 * NEARBY + 1, 0]
    assert sum(near["elsewhere"]) == 4 + count - (2 * NEARBY + 1)
    titles = [table.title for table in gate_report("dastm", [result("a", [0])]).conditions]
    assert "occlusion" not in titles and "near an absence" not in titles


@pytest.mark.parametrize(("others", "dominant"), [(4, "cbam"), (6, None)])
def test_a_branch_that_takes_over_is_said(others, dominant):
    report = gate_report("dastm", [result("a", [3] * (100 - others) + [0] * others)])
    assert report.dominant == dominant
    assert ("this gate decides nothing" in report.verdict) == (dominant is not None)


def test_results_without_a_gate_are_told():
    with pytest.raises(InputError, match="'kcf' hold no decisions"):
        gate_report("kcf", [result("a", [None] * 5)])


def test_the_command(write_evaluation, capsys):
    overlaps = {"dastm": {"a": [1] * 30}, "kcf": {"a": [1] * 30}}
    folder = write_evaluation(overlaps)
    result("a", [0, 1, 2, 3] * 8, motion=0.04).save(result_path(folder, "dastm", "a"))
    assert main(["gate-report", str(folder)]) == 0
    told = capsys.readouterr().out
    assert "no branch takes over: skip 25.0%" in told and "change of size" in told
    content = json.loads((folder / "gate-dastm.json").read_text())
    assert content["tables"][0]["rows"]["all"]["counts"] == dict.fromkeys(BRANCHES, 8)
    assert cv2.imread(str(folder / "gate-dastm.png")).shape[1] > 800
    assert not (folder / "gate-kcf.json").exists()
    assert main(["gate-report", str(folder)]) == 0  # once more over its own outputs
    for wrong, sentence in (
        ([str(folder), "--tracker", "no"], "has no tracker 'no', but dastm, kcf"),
        ([str(folder), "--tracker", "kcf"], "'kcf' hold no decisions"),
        ([str(folder / "no")], "cannot be read"),
    ):
        assert main(["gate-report", *wrong]) == 1
        assert sentence in capsys.readouterr().err


def test_of_our_trackers_those_with_a_gate_are_reported(write_evaluation, capsys):
    folder = write_evaluation({"stif": {"a": [1] * 30}, "dastm": {"a": [1] * 30}})
    path = folder / "evaluation.json"
    content = json.loads(path.read_text())
    content["trackers"]["stif"]["facts"] = {"architecture": "stif"}
    path.write_text(json.dumps(content))
    assert main(["gate-report", str(folder)]) == 0
    assert not (folder / "gate-stif.json").exists() and (folder / "gate-dastm.json").exists()
    result("a", [None] * 5).save(result_path(folder, "dastm", "a"))
    assert main(["gate-report", str(folder)]) == 1
    assert "holds no tracker with a gate" in capsys.readouterr().err
