import json
import signal
import subprocess
import sys
import time

import pytest

from tracker_ros.cli import main


def test_peers_in_one_table_and_one_file(sequence, tmp_path, capsys):
    sequence(8, "first")
    folder = sequence(6, "second").parent
    out = tmp_path / "out" / "result.json"
    arguments = ["evaluate", str(folder), "--peers-only", "--peer", "KCF,mosse"]
    assert main([*arguments, "--json", str(out)]) == 0
    table = capsys.readouterr().out
    for word in ("kcf", "mosse", "first", "second", "all"):
        assert word in table
    report = json.loads(out.read_text())
    assert list(report["trackers"]) == ["kcf", "mosse"]
    kcf = report["trackers"]["kcf"]
    assert kcf["per_sequence"]["first"]["frames"] == 8
    rows = kcf["per_sequence"].values()
    assert kcf["auc"] == pytest.approx(sum(row["auc"] for row in rows) / 2)
    last = next(line for line in table.splitlines() if line.split()[:1] == ["all"])
    assert f"{kcf['auc']:.3f} / {kcf['precision']:.3f}" in last


def test_our_tracker_scores_the_same_twice(sequence, model, tmp_path):
    folder = sequence(8)
    reports = []
    for name in ("a.json", "b.json"):
        arguments = ["evaluate", str(folder), "--model", str(model), "--peer", "kcf"]
        assert main([*arguments, "--json", str(tmp_path / name)]) == 0
        reports.append(json.loads((tmp_path / name).read_text())["trackers"])
    assert list(reports[0]) == ["tiny", "kcf"]
    assert reports[0]["tiny"]["settings"]["provider"].startswith("torch")
    assert reports[0]["tiny"]["facts"]["architecture"] == "dastm"
    assert sum(reports[0]["tiny"]["per_sequence"]["square"]["branches"].values()) == 7
    for name in reports[0]:
        first, second = (report[name]["per_sequence"]["square"] for report in reports)
        for key in ("auc", "precision", "lost", "branches"):
            assert first[key] == second[key]


def test_same_name_twice(sequence, capsys):
    folder = sequence(3)
    status = main(["evaluate", str(folder), str(folder), "--peers-only", "--peer", "kcf"])
    assert status == 1
    assert "several sequences have the name 'square'" in capsys.readouterr().err


def test_unknown_peer(sequence, capsys):
    assert main(["evaluate", str(sequence(3)), "--peers-only", "--peer", "sift"]) == 1
    assert "no peer 'sift'" in capsys.readouterr().err


def test_nothing_to_evaluate(sequence, capsys):
    assert main(["evaluate", str(sequence(3)), "--peers-only"]) == 1
    assert "needs at least one --peer" in capsys.readouterr().err


def test_interrupted_run_keeps_what_is_done(sequence, tmp_path):
    folder = sequence(400, size=(240, 320))
    out = tmp_path / "result.json"
    process = subprocess.Popen(
        [sys.executable, "-m", "tracker_ros", "evaluate", folder, "--peers-only",
         "--peer", "mosse,mil", "--json", out],
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not out.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    assert errors.strip() == "tracker-ros: interrupted"
    assert list(json.loads(out.read_text())["trackers"]) == ["mosse"]
