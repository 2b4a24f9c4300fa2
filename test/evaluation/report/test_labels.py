"""Names in pictures: of any bytes, and none of them a formula."""

import os

import pytest

from tracker_ros.evaluation.gate.plot import plot_gate
from tracker_ros.evaluation.gate.report import gate_report
from tracker_ros.evaluation.report import write_report
from tracker_ros.evaluation.results import load_results

GOOD = [1, 0.8, 0.7, 0.6]


@pytest.mark.parametrize("name", [r"m$\foo$", "a$b$^", "_hidden", os.fsdecode(b"caf\xe9")])
def test_a_name_of_any_characters_is_drawn(write_evaluation, name, tmp_path):
    folder = write_evaluation({"dastm": {name: GOOD}, name: {name: GOOD}})
    assert write_report(folder).is_file()
    report = gate_report("dastm", list(load_results(folder, "dastm")))
    plot_gate(report, tmp_path / "gate.png")
    assert (tmp_path / "gate.png").stat().st_size > 1000
