import json

import cv2
import numpy as np
import pytest

from test.evaluation.vot.vot_run import evaluate_vot
from tracker_ros.commands import main

LENGTHS = {"a": 16, "b": 12}


@pytest.fixture
def vot(tmp_path):
    """A VOT set of two sequences with a bright square whose truth is a polygon."""
    folder = tmp_path / "vot"
    for name, length in LENGTHS.items():
        (folder / name / "color").mkdir(parents=True)
        lines = []
        for i in range(length):
            image = np.full((60, 80, 3), 40, np.uint8)
            x = 5 + 2 * i
            image[20:40, x : x + 20] = 200
            cv2.imwrite(str(folder / name / "color" / f"{i + 1:08}.jpg"), image)
            lines.append(f"{x},20,{x + 19},20,{x + 19},39,{x},39")
        (folder / name / "groundtruth.txt").write_text("\n".join(lines))
        (folder / name / "occlusion.tag").write_text("0\n1\n1\n")
    (folder / "list.txt").write_text("b\na\n")
    return folder


def numbers(scores):
    """Without what the clock says."""
    kept = {k: v for k, v in scores.items() if k not in ("fps", "provider", "facts", "settings")}
    kept["per_sequence"] = {
        name: {k: v for k, v in row.items() if k != "fps"}
        for name, row in scores["per_sequence"].items()
    }
    return kept


def test_a_vot_set_is_scored_and_gone_on_with(vot, tmp_path, capsys):
    from tracker_ros.evaluation.peers import Peer

    out = tmp_path / "out"
    command = ["evaluate", "--dataset", "vot", vot, "--peers-only", "--peer", "kcf", "--out", out]
    assert main(list(map(str, command))) == 0
    table = capsys.readouterr().out
    assert "A / R / EAO" in table and "VOT2018" in table
    first = json.loads((out / "results.json").read_text())
    expected = json.loads(json.dumps(evaluate_vot(lambda: Peer("kcf"), vot)))
    assert numbers(first["trackers"]["kcf"]) == numbers(expected)
    assert list(expected["per_sequence"]) == ["b", "a"]
    assert expected["per_tag"]["occlusion"]["frames"] == 4

    passes = {name: out / "kcf" / f"{name}_001.npz" for name in LENGTHS}
    passes["a"].unlink()
    before = passes["b"].stat().st_mtime_ns
    assert main([*map(str, command), "--jobs", "2"]) == 0
    again = json.loads((out / "results.json").read_text())
    assert numbers(again["trackers"]["kcf"]) == numbers(expected)
    assert passes["b"].stat().st_mtime_ns == before


def test_results_of_another_truth_are_not_gone_on_with(vot, tmp_path, capsys):
    command = ["evaluate", "--dataset", "vot", vot, "--peers-only", "--peer", "kcf"]
    command = [*map(str, command), "--out", str(tmp_path / "out")]
    assert main(command) == 0
    capsys.readouterr()
    truth = vot / "a" / "groundtruth.txt"
    truth.write_text(truth.read_text().replace("5,20", "6,20", 1))
    assert main(command) == 1
    error = capsys.readouterr().err
    assert "a_001.npz was made with another truth" in error and error.count("\n") == 1
    # Nor are those of another tracker shown beside them.
    command[command.index("kcf")] = "mosse"
    assert main(command) == 1
    assert "kcf/a_001.npz was made with another truth" in capsys.readouterr().err
    elsewhere = tmp_path / "elsewhere"
    assert main([*command[:-1], str(elsewhere)]) == 0
    assert main(["compare", str(tmp_path / "out" / "kcf"), str(elsewhere / "mosse")]) == 1
    assert "have different truth for 'a'" in capsys.readouterr().err


def test_trackers_that_were_run_before_stay_in_the_report(vot, tmp_path, capsys):
    out = tmp_path / "out"
    command = ["evaluate", "--dataset", "vot", str(vot), "--peers-only", "--out", str(out)]
    scores = {}
    for name in ("kcf", "mosse"):
        assert main([*command, "--peer", name]) == 0
        table = capsys.readouterr().out
        scores[name] = json.loads((out / "results.json").read_text())["trackers"]
    assert "kcf" in table and list(scores["mosse"]) == ["kcf", "mosse"]
    assert scores["mosse"]["kcf"] == scores["kcf"]["kcf"]


def test_a_peer_that_never_starts_has_a_report(vot, tmp_path):
    for name, length in LENGTHS.items():
        (vot / name / "groundtruth.txt").write_text("-500,-500,20,20\n" * length)
    out = tmp_path / "out"
    command = ["evaluate", "--dataset", "vot", vot, "--peers-only", "--peer", "kcf", "--out", out]
    assert main(list(map(str, command))) == 0
    assert "Expected average overlap" in (out / "report.html").read_text(encoding="utf-8")


def test_vot_has_its_own_restarts(vot, capsys):
    command = ["evaluate", "--dataset", "vot", str(vot), "--peers-only", "--peer", "kcf"]
    assert main([*command, "--starts", "3"]) == 1
    assert "--starts is for one-pass evaluation" in capsys.readouterr().err


def test_a_folder_that_is_no_vot_set_is_named(tmp_path, capsys):
    command = ["evaluate", "--dataset", "vot", str(tmp_path), "--peers-only", "--peer", "kcf"]
    assert main(command) == 1
    assert "groundtruth.txt" in capsys.readouterr().err
