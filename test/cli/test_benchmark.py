import json

import pytest

from tracker_ros.cli import main


def test_ratios_and_stages(sequence, model, tmp_path, capsys):
    out = tmp_path / "speed.json"
    arguments = ["benchmark", "--source", str(sequence(60)), "--model", str(model)]
    assert main([*arguments, "--json", str(out)]) == 0
    report = json.loads(out.read_text())
    assert list(report["trackers"]) == ["tiny torch", "csrt", "kcf", "mil"]
    for name, row in report["trackers"].items():
        assert row["frames"] == 60 - 25  # the first block warms up
        assert 0 < row["ms"]["p50"] <= row["ms"]["p99"]
        ratio = report["trackers"]["csrt"]["ms"]["p50"] / row["ms"]["p50"]
        assert row["speed_over_csrt"] == pytest.approx(ratio)
        stages = {"crop", "locate", "decode", "remember"} if name == "tiny torch" else set()
        assert set(row["stages"]) == stages
    assert report["providers"] == {"tiny torch": "torch cpu"}
    printed = capsys.readouterr().out
    assert "speed over CSRT" in printed and "tiny torch: remember" in printed


def test_the_demo_clip_is_the_default(model, tmp_path):
    out = tmp_path / "speed.json"
    assert main(["benchmark", "--frames", "52", "--model", str(model), "--json", str(out)]) == 0
    report = json.loads(out.read_text())
    assert (report["source"], report["picture"]) == ("demo clip", [640, 480])


@pytest.mark.parametrize(
    "frames, truth, sentence",
    ((20, True, "more than 50 frames, but has 20"), (60, False, "has no truth to start from")),
)
def test_what_cannot_be_measured(sequence, model, capsys, frames, truth, sentence):
    folder = sequence(frames)
    if not truth:
        (folder / "groundtruth_rect.txt").unlink()
    assert main(["benchmark", "--source", str(folder), "--model", str(model)]) == 1
    assert sentence in capsys.readouterr().err
