"""`tracker-ros demo` end to end: real nodes, real DDS, its report, and how it fails."""

import json
import os
import signal

import cv2
import numpy as np
import pytest
from rosbags.highlevel import AnyReader

from test.commands.conftest import WITHOUT_TORCH
from tracker_ros.core.io.paths import share_dir

PICTURES = 10  # of the user's own clip
FRAMES = 60  # of the synthetic one


@pytest.fixture
def folder(tmp_path):
    """A clip of the user's own: a bright square on a dark ground."""
    path = tmp_path / "pictures"
    path.mkdir()
    for index in range(PICTURES):
        image = np.full((120, 160, 3), 40, np.uint8)
        image[40:70, 50 + index : 80 + index] = 200
        cv2.imwrite(str(path / f"{index:03}.png"), image)
    return path


def video_length(path):
    return int(cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FRAME_COUNT))


def recorded(path):
    """Last part of each topic's name -> header stamps of its messages."""
    stamps = {}
    with AnyReader([path]) as reader:
        for connection, _, data in reader.messages():
            header = reader.deserialize(data, connection.msgtype).header
            name = connection.topic.rpartition("/")[2]
            stamps.setdefault(name, []).append((header.stamp.sec, header.stamp.nanosec))
    return stamps


@pytest.mark.skipif(
    not (share_dir() / "models" / "dastm.trunk.onnx").exists(), reason="no weights are shipped"
)
def test_shipped_model_follows_the_target_of_the_synthetic_clip(demo):
    run = demo("--frames", FRAMES, "--engine", "onnx")
    status, out, err = run.end()
    assert status == 0, err
    assert run.nodes() == {}
    for words in ("mean overlap", "success AUC", "lost / recovered", "frames/s", "p50 / p99",
                  "dropped frames"):  # fmt: skip
        assert words in out
    numbers = json.loads((run.output / "summary.json").read_text())
    assert numbers["frames"] == FRAMES
    assert 0 <= numbers["dropped_frames"] < FRAMES
    if numbers["dropped_frames"] < FRAMES / 2:  # a machine that is too slow may lose it
        assert numbers["mean_overlap"] > 0.5
        assert (numbers["times_lost"], numbers["lost_for_good_at_frame"]) == (0, None)
    assert numbers["engine"].startswith("onnxruntime")
    assert video_length(run.output / "annotated.mp4") == FRAMES
    for name in ("contact_sheet.png", "timeline.png"):
        assert cv2.imread(str(run.output / name)) is not None
    stamps = recorded(run.output / "outputs")
    assert len(set(stamps["compressed"])) == FRAMES
    assert stamps["ground_truth"] == stamps["compressed"]
    assert stamps["compressed"][0] in stamps["detections"]
    assert set(stamps["detections"]) == set(stamps["status"]) <= set(stamps["compressed"])


def test_own_clip_without_truth_has_no_overlap(demo, model, folder):
    run = demo(folder, "--box", "50,40,30,30", "--model", model)
    status, out, err = run.end()
    assert status == 0, err
    assert "overlap" not in out and "AUC" not in out
    numbers = json.loads((run.output / "summary.json").read_text())
    assert numbers["frames"] == PICTURES
    assert numbers["engine"].startswith("torch cpu")
    assert "mean_overlap" not in numbers
    assert video_length(run.output / "annotated.mp4") == PICTURES


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("missing.mp4", "--box", "1,2,3,4"), "missing.mp4 does not exist"),
        (("{folder}", "--model", "{model}"), "has no truth to start from; give"),
        (("--box", "1,2,3,4"), "are about your own clip, but none is given"),
        (("{folder}", "--frames", "9"), "is about the synthetic clip"),
        (("--frames", "9999", "--model", "{model}"), "the synthetic clip ends after 450"),
        (("{folder}", "--output", "{folder}"), "choose another --output"),
        (("{folder}", "--box", "1,2,3,4", "--model", "no.onnx"), "no.onnx does not exist"),
        (("{folder}", "--box", "900,40,30,30", *WITHOUT_TORCH), "lies outside the"),
    ],
)
def test_one_sentence_says_what_is_wrong(demo, model, folder, arguments, sentence):
    run = demo(*(word.format(folder=folder, model=model) for word in arguments))
    status, out, err = run.end()
    assert (status, out) == (1, "")
    assert sentence in err
    assert err.startswith("tracker-ros: error: ") and err.count("\n") == 1
    assert run.nodes() == {}


def test_a_middleware_that_cannot_start_is_told_before_the_clip_is_made(demo, monkeypatch):
    monkeypatch.setenv("RMW_IMPLEMENTATION", "rmw_nothing")
    run = demo("--frames", 30, *WITHOUT_TORCH)
    status, out, err = run.end()
    assert (status, out) == (1, "")
    assert err.startswith("tracker-ros: error: ") and err.count("\n") == 1
    assert "RMW_IMPLEMENTATION is 'rmw_nothing'" in err
    assert not (run.output / "clip").exists()


def test_malformed_box(demo, folder):
    status, _, err = demo(folder, "--box", "1,2,3").end()
    assert status == 2
    assert "'1,2,3' is not x,y,w,h in pixels" in err


def test_death_of_the_tracker_ends_the_demo(demo):
    run = demo("--frames", 120, *WITHOUT_TORCH)
    os.kill(run.both_nodes()["tracker_node"], signal.SIGKILL)
    status, _, err = run.end()
    assert status == 1
    assert "tracker_node ended with status -9" in err and "tracker_node.log" in err
    assert run.nodes() == {}


def test_ctrl_c_ends_the_nodes(demo):
    run = demo("--frames", 120, *WITHOUT_TORCH)
    run.both_nodes()
    run.interrupt()
    status, _, err = run.end()
    assert status == 130
    assert "Traceback" not in err
    assert run.nodes() == {}


def test_three_targets_with_a_detector(demo):
    run = demo("--frames", 24, *WITHOUT_TORCH, "--targets", 3)
    status, out, err = run.end()
    assert status == 0, err
    assert run.nodes() == {}
    for words in ("cup 1", "cup 2", "cup 3", "mean overlap", "lost / recovered", "dropped frames"):
        assert words in out
    numbers = json.loads((run.output / "summary.json").read_text())
    assert list(numbers["targets"]) == ["cup 1", "cup 2", "cup 3"]
    assert all(one["frames"] == 24 for one in numbers["targets"].values())
    assert video_length(run.output / "annotated.mp4") == 24
    for name in ("contact_sheet.png", "timeline.png"):
        assert cv2.imread(str(run.output / name)) is not None


def test_several_targets_are_of_the_synthetic_clip(demo, folder):
    status, _, err = demo(folder, "--targets", 2, "--box", "50,40,30,30").end()
    assert status == 1
    assert err.endswith("--targets is about the synthetic clip, but another one is given\n")
