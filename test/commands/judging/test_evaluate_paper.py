"""`tracker-ros evaluate --paper` and `--tracking`."""

import json
from dataclasses import replace

import pytest

from tracker_ros.commands import main
from tracker_ros.core.config import TrackingConfig
from tracker_ros.evaluation.paper import paper_tracking


def test_it_runs_and_records_how(sequence, model, tmp_path):
    folder, out = sequence(6, "walk").parent, tmp_path / "out"
    options = ["--paper", "--tracking", "penalty=0.1", "--out", str(out)]
    assert main(["evaluate", str(folder), "--model", str(model), *options]) == 0
    about = json.loads((out / "evaluation.json").read_text())["trackers"]["tiny"]
    own = TrackingConfig(query_size=64, memory_size=48)
    wanted = replace(paper_tracking("dastm", "folder", own), penalty=0.1).to_dict()
    assert about["settings"]["tracking"] == wanted == about["facts"]["tracking"]
    # Its network knows nothing, but a paper's tracker never says that its target is lost.
    (result,) = json.loads((out / "results.json").read_text())["trackers"]["tiny"][
        "per_sequence"
    ].values()
    assert result["lost"] == 0


def test_other_values_are_another_evaluation(sequence, model, tmp_path, capsys):
    folder, out = sequence(6, "walk").parent, tmp_path / "out"
    command = ["evaluate", str(folder), "--model", str(model), "--out", str(out)]
    assert main(command) == 0
    assert main([*command, "--tracking", "penalty=0.2"]) == 1
    assert "tiny" in capsys.readouterr().err


def test_a_torch_network_takes_other_sizes(sequence, model, capsys):
    folder = sequence(6, "walk").parent
    assert (
        main(["evaluate", str(folder), "--model", str(model), "--tracking", "query_size=96"]) == 0
    )


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("query_size=160", "query_size is 160, but the graphs were made for 112"),
        ("search_factor=3", "search_factor is 3.0, but the graphs were made for 2.625"),
        ("querysize=128", "there is no 'querysize' in query_size,"),
        ("penalty=much", "'much' is not a number"),
        ("lost_after=0", "lost_after is 0, not a positive whole number"),
        ("penalty=0 penalty=1", "--tracking 'penalty=1': penalty is given twice"),
        ("lost_score=0 penalty=0", "--tracking penalty has no effect: what is learned online"),
    ],
)
def test_values_that_cannot_be(sequence, capsys, value, sentence):
    folder = sequence(6, "walk").parent
    given = [part for one in value.split() for part in ("--tracking", one)]
    assert main(["evaluate", str(folder), "--engine", "onnx", *given]) == 1
    error = capsys.readouterr().err
    assert sentence in error and error.count("\n") == 1
