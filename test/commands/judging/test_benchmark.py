import importlib.util
import json
import shutil

import cv2
import pytest

from tracker_ros.commands import main
from tracker_ros.commands.judging import benchmark
from tracker_ros.core.config import TrackingConfig
from tracker_ros.evaluation.speed import sweeps


@pytest.fixture(scope="module")
def learner(model, tmp_path_factory):
    """As ``model``, but it memorises whatever it sees."""
    from tracker_ros.engines.models.store import load_network, save_network  # torch

    network, facts = load_network(model)
    tracking = TrackingConfig.from_dict(
        facts["tracking"] | {"memory_score": 0.0, "tracking_score": 0.0, "lost_score": 0.0}
    )
    path = tmp_path_factory.mktemp("learner") / "learner.safetensors"
    save_network(path, network, "dastm", tracking, {})
    return path


def test_trackers_by_stage_and_what_grows(
    sequence, model, learner, tmp_path, capsys, caplog, monkeypatch
):
    for name, few in (("SIZES", ((80, 60), (160, 120))), ("SEGMENTS", (1, 4)), ("TARGETS", (1, 2)),
                      ("LENGTHS", (10, 20)), ("ROUNDS", 2)):  # fmt: skip
        monkeypatch.setattr(sweeps, name, few)
    out, picture = tmp_path / "speed.json", tmp_path / "new" / "speed.png"
    arguments = ["benchmark", "--source", str(sequence(60)), "--model", f"{learner},{model}"]
    arguments += ["--peer", "mosse", "--json", str(out), "--plot", str(picture)]
    assert main([*arguments, "--parts", "trackers", "sweeps"]) == 0
    assert "ends after 60 of 200 frames" in caplog.text
    report = json.loads(out.read_text())
    assert list(report["trackers"]) == [
        "learner torch", "tiny torch", "csrt", "kcf", "mil", "mosse"
    ]  # fmt: skip
    for name, row in report["trackers"].items():
        assert row["frames"] == 20 + 5  # the first turn warms up, and the first of each later one
        assert 0 < row["ms"]["p50"] <= row["ms"]["p99"]
        ratio = row["fps"] / report["trackers"]["csrt"]["fps"]
        assert row["speed_over_csrt"] == pytest.approx(ratio)
        used = report["trackers"]["csrt"]["processor_ms"] / row["processor_ms"]
        assert row["speed_over_csrt_by_processor_time"] == pytest.approx(used) and used > 0
        ours = name.endswith("torch")
        stages = {"crop", "locate", "decode", "box"} if ours else set()
        assert set(row["stages"]) - {"remember"} == stages
        assert ("remember" in row["stages"]) == (name == "learner torch")
        assert row["provider"] == ("torch cpu" if ours else "OpenCV")
        assert 10 < row["process_memory_peak_mib"] < 100_000
    shares = {name: s["share"] for name, s in report["trackers"]["learner torch"]["stages"].items()}
    assert shares["box"] + shares["remember"] == pytest.approx(1)
    assert set(report["receive"]) == {"bgr8", "rgb8", "JPEG"}
    assert {
        name: [point["x"] for point in points] for name, points in report["sweeps"].items()
    } == {
        "image size": [0.0048, 0.0192],
        "memory size": [1, 4],
        "targets": [1, 2],
        "sequence length": [10, 20],
    }
    assert [point["read"] for point in report["sweeps"]["memory size"]] == [3, 6]
    assert cv2.imread(str(picture)) is not None
    printed = capsys.readouterr().out
    for words in ("speed over CSRT", "learner torch: remember", "message → image, bgr8", "targets"):
        assert words in printed


@pytest.mark.parametrize(
    ("options", "sentence"),
    (
        (["--parts", "node", "--peer", "mosse"], "--peer is about the part 'trackers', which"),
        (["--parts", "node", "--full"], "--full is about the part 'sweeps', which --parts"),
        (["--engine", "onnx", "--precision", "bf16"], "--precision is 'bf16', but the graphs of"),
        (["--parts", "node", "node"], "--parts node node names one of them twice"),
        (["--frames", "451", "--parts"], "--frames is 451, but the synthetic clip ends after 450"),
    ),
)
def test_nothing_is_passed_over(capsys, options, sentence):
    options += ["sweeps"] if options[-1] == "--parts" else []
    assert main(["benchmark", *options]) == 1
    assert sentence in capsys.readouterr().err


def test_two_of_one_name_are_refused(sequence, model, tmp_path, capsys):
    folder, copy = str(sequence(51)), tmp_path / model.name
    shutil.copy(model, copy)
    command = ["benchmark", "--source", folder, "--parts", "trackers", "--model"]
    assert main([*command, f"{model},{copy}"]) == 1
    assert "--model names two of the name 'tiny'" in capsys.readouterr().err
    for peers in ("KCF", "mosse,mosse"):
        assert main([*command, str(model), "--peer", peers]) == 1
        name = peers.lower().partition(",")[0]
        assert f"--peer names two of the name {name!r}" in capsys.readouterr().err


def test_a_model_that_nothing_here_runs_is_named(sequence, model, monkeypatch, capsys):
    find = importlib.util.find_spec
    monkeypatch.setattr(benchmark, "find_spec", lambda name: name != "torch" and find(name))
    command = ["benchmark", "--source", str(sequence(51)), "--model", str(model)]
    assert main([*command, "--parts", "sweeps"]) == 1
    assert f"no engine is installed that runs the files of model '{model}'" in (
        capsys.readouterr().err
    )


def test_what_grows_has_the_precision_that_is_asked_for(sequence, monkeypatch, capsys):
    pytest.importorskip("torch")
    ran = []
    sweep = {"none": lambda tracker, images, box: ran.append(tracker.engine.provider) or []}
    monkeypatch.setattr(sweeps, "SWEEPS", sweep)
    command = ["benchmark", "--source", str(sequence(51)), "--model", "dastm", "--device", "cpu"]
    command += ["--parts", "sweeps"]
    assert main([*command, "--precision", "bf16"]) == 0 and main(command) == 0
    assert ran == ["torch bf16 cpu", "onnxruntime CPUExecutionProvider"]
    find = importlib.util.find_spec
    monkeypatch.setattr(benchmark, "find_spec", lambda name: name != "torch" and find(name))
    assert main([*command, "--precision", "bf16"]) == 1
    assert "--precision is 'bf16', but of model 'dastm' only the graphs" in capsys.readouterr().err


def test_the_demo_clip_is_the_default(model, tmp_path, monkeypatch):
    monkeypatch.setattr(sweeps, "SWEEPS", {})
    out = tmp_path / "speed.json"
    arguments = ["benchmark", "--frames", "52", "--model", str(model), "--json", str(out)]
    assert main([*arguments, "--parts", "sweeps"]) == 0
    report = json.loads(out.read_text())
    assert (report["source"], report["picture"]) == ("demo clip", [640, 480])


@pytest.mark.parametrize(
    ("option", "name", "sentence"),
    (
        ("--plot", "b.pdf", "b.pdf, but what is drawn is a PNG: end it in .png"),
        ("--plot", "file/b.png", "file: "),
        ("--json", "file/b.json", "file: "),
    ),
)
def test_an_output_that_cannot_be_is_told_first(tmp_path, capsys, option, name, sentence):
    (tmp_path / "file").touch()
    arguments = ["benchmark", "--source", str(tmp_path / "nowhere.mp4")]
    assert main([*arguments, option, str(tmp_path / name)]) == 1
    error = capsys.readouterr().err
    assert sentence in error and error.count("\n") == 1


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
