import os
import signal
import subprocess
import sys

import cv2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from test.commands.conftest import WITHOUT_TORCH
from test.imports import stopped
from tracker_ros import __version__
from tracker_ros.commands import COMMANDS, main
from tracker_ros.commands.common.arguments import box_argument
from tracker_ros.sources import open_source
from tracker_ros.sources.writer import VideoWriter

HEAVY = {"torch", "cv2", "rclpy", "onnxruntime", "onnx", "rosbags", "matplotlib", "rich", "numpy"}


def run(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "tracker_ros", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=240,
        **options,
    )


def test_help_names_every_command():
    done = run("--help")
    assert done.returncode == 0
    for summaries in COMMANDS.values():
        for name, summary in summaries.items():
            assert name in done.stdout and summary in done.stdout


def test_help_of_every_command_imports_nothing_heavy():
    names = [name for summaries in COMMANDS.values() for name in summaries]
    script = f"""
import sys
from tracker_ros.commands import main

for words in (["--help"], *([name, "--help"] for name in {names})):
    try:
        main(words)
    except SystemExit as end:
        assert end.code == 0, words
    heavy = {HEAVY} & set(sys.modules)
    assert not heavy, (words, heavy)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    for name in names:
        assert f"usage: tracker-ros {name} " in done.stdout


@pytest.mark.parametrize(
    ("arguments", "unbuffered"),
    (("--version", ""), ("train --help", "1"), ("info dastm --json", "")),
)
def test_what_cannot_be_written_is_told(arguments, unbuffered):
    command = [sys.executable, "-m", "tracker_ros", *arguments.split()]
    environment = os.environ | {"PYTHONUNBUFFERED": unbuffered}
    for name, mode, reason in (
        ("/dev/full", "w", "No space left on device"),
        (os.devnull, "r", "Bad file descriptor"),
    ):
        with open(name, mode) as output:
            done = subprocess.run(
                command, stdout=output, stderr=subprocess.PIPE, text=True, timeout=240,
                env=environment,
            )  # fmt: skip
        told = f"tracker-ros: error: standard output: {reason}\n"
        assert (done.returncode, done.stderr) == (1, told)


def test_version(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"tracker-ros {__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    (
        [],
        ["dance"],
        ["--nonsense"],
        ["track"],
        ["track", "clip.mp4", "--nonsense"],
        ["track", "clip.mp4", "--box", "1,2,3"],
        ["explain", "clip.mp4", "--box", "1,2,3,4", "--box", "5,6,7,8"],
        ["demo", "clip.mp4", "--box", "1,2,3,4", "--box", "5,6,7,8"],
        ["benchmark", "--box", "1,2,3,4", "--box", "5,6,7,8"],
        ["track", "clip.mp4", "--box", "1,2,0,4"],
        ["track", "clip.mp4", "--box", "1,nan,3,4"],
        ["track", "clip.mp4", "--frames", "0"],
        ["track", "clip.mp4", "--engine", "steam"],
        ["track", "clip.mp4", "--csv", ""],
        ["evaluate", ""],
        ["evaluate", "folder", "--out", ""],
        ["compare", "", "folder"],
        ["gate-report", ""],
        ["gate-report", "folder", "--tracker", ""],
        ["export", ""],
        ["convert", "mae", ""],
        ["train", "folder", "--out", ""],
        ["train", ""],
        ["train", "folder", "--name", ""],
        ["train-refiner", "folder", "--name", ""],
        ["ablate", "--model", ""],
        ["export", "tiny.safetensors", "--int8", ""],
        ["track", "clip.mp4", "--topic", ""],
        ["train-refiner", ""],
    ),
)
def test_wrong_usage_ends_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    assert "usage: tracker-ros" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments, sentence",
    (
        (["track", "no/clip.mp4"], "no/clip.mp4 does not exist"),
        (["track", "{folder}"], "{folder} holds no pictures"),
        (["evaluate", "no/folder", "--peers-only", "--peer", "kcf"], "no/folder is not a folder"),
        (["evaluate", "{folder}", "--peers-only", "--peer", "kcf"], "{folder} holds no sequence"),
        (["benchmark", "--source", "no/clip.mp4"], "no/clip.mp4 does not exist"),
        (["benchmark", "--box", "1,2,3,4"], "--box is about your own clip, but no --source"),
        (["info", "no/model.safetensors"], "no/model.safetensors"),
        (["export", "no/model.safetensors"], "no/model.safetensors"),
    ),
)
def test_bad_input_is_one_sentence(arguments, sentence, tmp_path, capsys):
    assert main([a.format(folder=tmp_path) for a in arguments]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("tracker-ros: error: ")
    assert sentence.format(folder=tmp_path) in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    (
        ["evaluate", "{loop}", "--peers-only", "--peer", "kcf"],
        ["evaluate", "{loop}", "--dataset", "vot", "--peers-only", "--peer", "kcf"],
        ["evaluate", "{loop}", "--dataset", "got10k", "--peers-only", "--peer", "kcf"],
        ["evaluate", "{loop}.mcap", "--peers-only", "--peer", "kcf"],
        ["train", "{loop}", "--out", "{loop}.out"],
        ["train", "coco:{loop}", "--out", "{loop}.out"],
        ["track", "{loop}", "--box", "1,2,3,4"],
    ),
)
def test_links_in_a_circle_are_one_sentence(arguments, tmp_path, capsys):
    """``Path.resolve`` raises a RuntimeError for them."""
    for name in ("loop", "loop.mcap"):
        (tmp_path / "other").unlink(missing_ok=True)
        (tmp_path / "other").symlink_to(tmp_path / name)
        (tmp_path / name).symlink_to(tmp_path / "other")
    assert main([a.format(loop=tmp_path / "loop") for a in arguments]) == 1
    assert str(tmp_path) in capsys.readouterr().err


def test_the_exit_status_of_the_process_is_that_of_the_command():
    done = run("track", "no/clip.mp4")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "tracker-ros: error: no/clip.mp4 does not exist\n"


@given(st.text(max_size=30))
def test_any_text_is_a_box_or_wrong_usage(text):
    import argparse

    try:
        x, y, w, h = box_argument(text)
    except argparse.ArgumentTypeError:
        return
    assert w > 0 and h > 0 and abs(x) < float("inf") and abs(y) < float("inf")


@given(st.tuples(*[st.floats(0.01, 1e4)] * 4))
def test_boxes_survive_the_command_line(box):
    assert box_argument(",".join(map(str, box))) == box


@pytest.mark.parametrize("arguments", ("info --json dastm_nano", "--version"))
def test_a_reader_that_leaves_is_no_traceback(arguments):
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "tracker_ros", *arguments.split()],
        stdout=write, stderr=subprocess.PIPE, text=True, timeout=240,
    )  # fmt: skip
    os.close(write)
    assert done.returncode == 0
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("package", "remedy", "arguments"),
    (
        ("rich", "pip install rich", ["info", "dastm_nano"]),
        (
            "skimage",
            "pip install scikit-image",
            ["benchmark", "--frames", "60", "--parts", "trackers"],
        ),
        ("trax", "pip install vot-trax", ["trax"]),
        ("diagnostic_msgs", "see the README's two commands", ["play", "clip.mp4"]),
    ),
)
def test_a_missing_library_is_named_with_what_installs_it(
    monkeypatch, capsys, package, remedy, arguments
):
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    assert main(arguments) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("tracker-ros: error: ") and line.endswith(remedy)


@pytest.mark.parametrize(
    ("package", "arguments"),
    (
        ("matplotlib", ["evaluate", "nowhere", "--out", "nowhere"]),
        ("jinja2", ["evaluate", "nowhere", "--out", "nowhere"]),
        ("jinja2", ["compare", "nowhere", "nowhere", "--html", "nowhere.html"]),
        ("matplotlib", ["gate-report", "nowhere"]),
        ("matplotlib", ["benchmark", "--source", "nowhere", "--plot", "nowhere.png"]),
        ("matplotlib", ["train", "nowhere"]),
        ("matplotlib", ["ablate", "nowhere", "--validate", "nowhere", "--out", "nowhere"]),
    ),
)
def test_what_draws_at_last_is_missed_at_first(monkeypatch, tmp_path, capsys, package, arguments):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, package, None)
    assert main(arguments) == 1
    assert f"needs the Python package {package!r}" in capsys.readouterr().err
    assert not [*tmp_path.iterdir()]


def test_names_that_are_no_text_cost_no_evaluation(sequence, tmp_path):
    folder = sequence(4)
    odd = folder.with_name(os.fsdecode(b"caf\xe9"))
    folder.rename(odd)
    arguments = ("evaluate", odd, *WITHOUT_TORCH, "--peer", "mosse", "--out", tmp_path / "out")
    for options in ({}, {"env": {**os.environ, "PYTHONIOENCODING": "ascii"}}):
        done = run(*arguments, **options)
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr and "report.html" in done.stdout
    assert (tmp_path / "out" / "results.csv").read_text().count("\n") == 3


def test_names_of_videos_that_are_no_text(sequence, tmp_path):
    clip, film = (tmp_path / os.fsdecode(name) for name in (b"\xff\xfe in.avi", b"out \xff.mp4"))
    with VideoWriter(clip, 25) as writer:
        for picture in sorted((sequence(4) / "img").iterdir()):
            writer.write(cv2.imread(str(picture)))
    done = run("track", clip, "--box", "5,20,20,20", *WITHOUT_TORCH, "--video", film)
    assert done.returncode == 0, done.stderr
    assert len(list(open_source(film))) == 4


def test_closed_streams_do_not_become_the_output(sequence, tmp_path):
    table = tmp_path / "boxes.csv"
    options = f'{" ".join(WITHOUT_TORCH)} --csv "{table}"'
    command = f'"$0" -m tracker_ros track "{sequence(3)}" {options}'
    for closed in (">&-", "<&-", "2>&-", "<&- >&- 2>&-"):
        done = subprocess.run(["sh", "-c", f"{command} {closed}", sys.executable], timeout=300)
        assert done.returncode == 0
        assert len(table.read_text().splitlines()) == 4


def test_ctrl_c_while_a_command_is_imported_is_no_traceback():
    code = "from tracker_ros.__main__ import main; main()"
    process = stopped("numpy", code, "info", "dastm", stderr=subprocess.PIPE)
    try:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=240)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "Traceback" not in err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_that_an_import_turns_into_another_error_ends_the_command(number):
    program = f"""
import os, signal, sys
from tracker_ros import commands

class Hit:
    def __set_name__(self, owner, name):
        os.kill(os.getpid(), {int(number)})
        for _ in range(1000): pass

def run(args):
    class Imported:
        field = Hit()

def build(arguments):
    import argparse
    parser = argparse.ArgumentParser()
    parser.set_defaults(run=run)
    return parser

sys.exit(commands.execute(build, []))
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.returncode == 128 + number
    assert "Traceback" not in run.stderr
