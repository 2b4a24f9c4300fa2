import csv
import json

import numpy as np

from tracker_ros.evaluation.report.vot import write_vot_report


def tracker(accuracy, eao, failures, frames=120):
    """What a tracker did on two sequences; no tracker's failures are the same in both."""
    row = {"accuracy": accuracy, "frames": frames, "fps": 50.0}
    rows = {
        "first": row | {"failures": failures, "robustness": 100 * failures / frames},
        "second": row | {"failures": 0.0, "robustness": 0.0},
    }
    return {
        "settings": {"provider": "a <test>"},
        "facts": None,
        "accuracy": accuracy,
        "failures": failures,
        "robustness": 100 * failures / (2 * frames),
        "eao": eao,
        "eao_curve": np.linspace(1, 0.4, 90 if eao is None else 120).tolist(),
        "fps": 50.0,
        "frames": 2 * frames,
        "repetitions": 1 if eao is None else 15,
        "per_sequence": rows,
        "per_tag": {"occlusion": {"accuracy": None, "failures": 0.5, "frames": 4}},
    }


def numbers(**trackers):
    facts = {"dataset": "vot", "protocol": "vot", "paths": ["a"], "hardware": [{"cpu": "none"}]}
    return facts | {"commands": ["tracker-ros evaluate"], "trackers": trackers}


def test_the_page_in_a_browser(tmp_path, browse):
    two = numbers(dastm=tracker(0.6, 0.45, 1.5), kcf=tracker(0.5, None, 3.0))
    page = browse(write_vot_report(tmp_path, two))
    assert (page.said, page.requested) == ([], set())
    assert page.headings == [
        "VOT evaluation: dastm, kcf",
        *("Overview", "Sequences", "Tags", "How it was run"),
    ]
    assert page.tables["trackers"] == [
        ["dastm", "0.600 (best)", "0.450 (best)", "0.625", "1.5", "50.0", "15", "a <test>"],
        ["kcf", "0.500", "–", "1.250", "3", "50.0", "1", "a <test>"],
    ]
    assert page.pictures == 2


def test_numbers_as_json_and_csv(tmp_path):
    one = numbers(dastm=tracker(0.6, 0.45, 1.5))
    write_vot_report(tmp_path, one)
    assert json.loads((tmp_path / "results.json").read_text()) == one
    with (tmp_path / "results.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[1:] == [
        ["dastm", "first", "0.6", "1.5", "1.25", "120", "50.0"],
        ["dastm", "second", "0.6", "0.0", "0.0", "120", "50.0"],
    ]
    assert rows[0][:4] == ["tracker", "sequence", "accuracy", "failures"]


def test_a_set_without_tags(tmp_path):
    about = tracker(0.6, 0.45, 1.5) | {"per_tag": {}}
    assert "no tags" in write_vot_report(tmp_path, numbers(dastm=about)).read_text()
