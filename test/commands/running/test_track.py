import csv
import os
import signal
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest

from test.commands.conftest import WITHOUT_TORCH
from test.conftest import save_tiny
from test.pages import Page
from tracker_ros.commands import main
from tracker_ros.sources import open_source


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("suffix", (".mp4", ".avi"))
def test_every_frame_has_a_row_and_a_picture(sequence, model, tmp_path, capsys, suffix):
    table, video = tmp_path / "new" / "boxes.csv", tmp_path / "new" / f"video{suffix}"
    folder = sequence(7)
    arguments = ["track", str(folder), "--model", str(model)]
    assert main([*arguments, "--csv", str(table), "--video", str(video)]) == 0
    rows = rows_of(table)
    assert [int(row["frame"]) for row in rows] == list(range(7))
    assert [rows[0][key] for key in "xywh"] == ["5.00", "20.00", "20.00", "20.00"]
    for row in rows:
        assert (row["x"] == "") == (row["state"] == "LOST")
        assert 0 <= float(row["score"]) <= 1
    pictures = [frame.image for frame in open_source(video)]
    assert len(pictures) == 7
    assert pictures[0].shape == (60, 80, 3)
    printed = capsys.readouterr().out
    for word in ("frames", "success AUC", "mean overlap", "torch cpu"):
        assert word in printed


def test_the_box_decides_where_it_starts(sequence, model, tmp_path):
    table = tmp_path / "boxes.csv"
    arguments = ["track", str(sequence(5)), "--model", str(model), "--csv", str(table)]
    assert main([*arguments, "--box=-3.5,10,30,30", "--frames", "3"]) == 0
    rows = rows_of(table)
    assert len(rows) == 3
    assert [rows[0][key] for key in "xywh"] == ["-3.50", "10.00", "30.00", "30.00"]


def test_several_boxes_are_several_targets(sequence, model, tmp_path, capsys):
    table, video = tmp_path / "boxes.csv", tmp_path / "video.mp4"
    arguments = ["track", str(sequence(5)), "--model", str(model), "--csv", str(table)]
    boxes = ["--box", "5,20,20,20", "--box", "40,10,24,30", "--box", "0,0,30,30"]
    assert main([*arguments, *boxes, "--video", str(video)]) == 0
    rows = rows_of(table)
    assert [(row["frame"], row["target"]) for row in rows] == [
        (str(frame), str(target)) for frame in range(5) for target in (1, 2, 3)
    ]
    assert [rows[1][key] for key in "xywh"] == ["40.00", "10.00", "24.00", "30.00"]
    assert len(list(open_source(video))) == 5
    printed = capsys.readouterr().out
    assert "target 3" in printed and "overlap" not in printed  # the truth is of one


def test_each_of_several_is_tracked_as_it_would_be_alone(sequence, model, tmp_path):
    folder, boxes = sequence(5), ["5,20,20,20", "40,10,24,30"]

    def track(name, *boxes):
        path = tmp_path / name
        given = [part for box in boxes for part in ("--box", box)]
        command = ["track", str(folder), "--model", str(model), "--csv", str(path), *given]
        assert main(command) == 0
        return [[row[key] for key in ("x", "y", "w", "h")] for row in rows_of(path)]

    together = track("both.csv", *boxes)
    for number, box in enumerate(boxes):
        ours, theirs = together[number::2], track(f"{number}.csv", box)
        for one, other in zip(ours, theirs, strict=True):
            assert (one == [""] * 4) == (other == [""] * 4)
            if one[0]:
                assert list(map(float, one)) == pytest.approx(list(map(float, other)), abs=0.02)


def test_it_starts_where_the_truth_starts(sequence, model, tmp_path):
    folder = sequence(6)
    truth = folder / "groundtruth_rect.txt"
    lines = truth.read_text().splitlines()
    truth.write_text("\n".join(["nan,nan,nan,nan"] * 2 + lines[2:]))
    table = tmp_path / "boxes.csv"
    assert main(["track", str(folder), "--model", str(model), "--csv", str(table)]) == 0
    assert [int(row["frame"]) for row in rows_of(table)] == [2, 3, 4, 5]


def test_pictures_of_another_size_are_skipped_and_named(sequence, model, tmp_path, caplog):
    folder, table = sequence(7), tmp_path / "boxes.csv"
    for i in (2, 3):
        cv2.imwrite(str(folder / "img" / f"{i:05}.png"), np.zeros((30, 40, 3), np.uint8))
    assert main(["track", str(folder), "--model", str(model), "--csv", str(table)]) == 0
    assert [int(row["frame"]) for row in rows_of(table)] == [0, 1, 4, 5, 6]
    sentence = "target's first, 80x60, were skipped: 2, of which 00002.png is of 40x30"
    assert sentence in caplog.text


def test_a_pipe_that_nobody_reads_any_more_is_an_error(sequence, model, capsys):
    reading, writing = os.pipe()
    os.close(reading)
    path = f"/dev/fd/{writing}"
    try:
        assert main(["track", str(sequence(3)), "--model", str(model), "--csv", path]) == 1
    finally:
        os.close(writing)
    assert capsys.readouterr().err == f"tracker-ros: error: {path}: Broken pipe\n"


@pytest.mark.parametrize(
    "change, options, sentence",
    (
        ("no truth", [], "has no truth to start from; give the target as --box x,y,w,h"),
        ("all absent", [], "belongs to none of its frames"),
        (None, ["--box", "500,500,10,10"], "box"),
        (None, ["--video", "clip.gif"], "clip.gif is no video that can be written"),
        (None, ["--csv", "/proc/none/boxes.csv"], "/proc/none"),
        (None, ["--video", "/proc/none/video.mp4"], "/proc/none/video.mp4 cannot be written"),
        (None, ["--topic", "/camera"], "is not a bag"),
    ),
)
def test_what_stops_it(sequence, model, capsys, change, options, sentence):
    folder = sequence(4)
    truth = folder / "groundtruth_rect.txt"
    if change == "no truth":
        truth.unlink()
    if change == "all absent":
        truth.write_text("nan,nan,nan,nan\n" * 4)
    assert main(["track", str(folder), "--model", str(model), *options]) == 1
    error = capsys.readouterr().err
    assert error.startswith("tracker-ros: error: ") and sentence in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("number, status", ((signal.SIGINT, 130), (signal.SIGTERM, 143)))
def test_interrupted_run_leaves_whole_files(sequence, tmp_path, number, status):
    table, video = tmp_path / "boxes.csv", tmp_path / "video.mp4"
    folder = sequence(2000)
    process = subprocess.Popen(
        [sys.executable, "-m", "tracker_ros", "track", folder, *WITHOUT_TORCH,
         "--csv", table, "--video", video],
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and (not table.exists() or len(rows_of(table)) < 10):
        time.sleep(0.02)
    process.send_signal(number)
    _, errors = process.communicate(timeout=240)
    assert process.returncode == status, errors
    assert "Traceback" not in errors
    rows = rows_of(table)
    assert 10 <= len(rows) < 2000
    assert table.read_text().endswith("\n")
    capture = cv2.VideoCapture(str(video))
    frames = 0
    while capture.read()[0]:
        frames += 1
    assert len(rows) - 1 <= frames <= len(rows)


def test_export_then_both_engines_find_the_same(sequence, tmp_path, capsys):
    # A graph that runs the chosen branch alone takes thrice as long to make: see test/engines.
    model, folder = save_tiny(tmp_path / "tiny.safetensors", gate="soft"), sequence(6)
    assert main(["export", str(model), "--output", str(tmp_path / "onnx")]) == 0
    paths = capsys.readouterr().out.split()
    assert sorted(path.rsplit("/", 1)[1] for path in paths) == [
        "tiny.locate.onnx",
        "tiny.remember.onnx",
    ]
    tables = {}
    for engine, weights in (("torch", model), ("onnx", paths[0])):
        table = tmp_path / f"{engine}.csv"
        arguments = ["track", str(folder), "--model", str(weights), "--engine", engine]
        assert main([*arguments, "--csv", str(table)]) == 0
        tables[engine] = rows_of(table)
    for a, b in zip(*tables.values(), strict=True):
        assert a["state"] == b["state"] and a["branch"] == b["branch"]
        assert float(a["score"]) == pytest.approx(float(b["score"]), abs=1e-3)


def test_a_target_can_be_drawn(sequence, model, tmp_path):
    folder, table = sequence(4), tmp_path / "boxes.csv"
    (folder / "groundtruth_rect.txt").unlink()
    options = ["--model", str(model), "--csv", str(table), "--select"]
    command = [sys.executable, "-m", "tracker_ros", "track", str(folder), *options]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    page = Page(process.stderr.readline().split()[1])
    told, picture = page.look()
    assert told["size"] == [80, 60] and picture
    status, said = page.send("/target", {"key": told["key"], "box": [100, 100, 9, 9]})
    assert status == 400 and "lies outside the 80x60 image" in said
    assert page.send("/target", {"key": told["key"], "box": [5, 20, 20, 20]})[0] == 200
    _, error = process.communicate()
    assert process.returncode == 0, error
    assert [rows_of(table)[0][key] for key in "xywh"] == ["5.00", "20.00", "20.00", "20.00"]


def test_waiting_for_a_drawn_target_can_be_ended(sequence, model):
    command = [sys.executable, "-m", "tracker_ros", "track", str(sequence(4)), "--select"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr.readline().startswith("open http://")
    process.send_signal(signal.SIGINT)
    _, error = process.communicate()
    assert process.returncode == 130 and "Traceback" not in error
