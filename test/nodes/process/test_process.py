"""How a node's process starts and ends."""

import os
import signal
import subprocess
import sys

import cv2
import pytest

from test.imports import stopped
from test.nodes.conftest import PATIENCE
from tracker_ros.nodes.process import logs


@pytest.mark.parametrize("arguments, words", [
    (["-p", "engine:=abacus"], "parameter engine is 'abacus', but must be one of auto"),
    (["-p", "watchdog:=2"],
     "parameter watchdog is 2, but must be a double from 0.1 to 3600; write 2.0"),
    (["-p", "max_targets:=0"], "parameter max_targets is 0, but must be an integer from 1 to 64"),
    (["-p", "max_targets:=few"], "parameter max_targets is 'few', but must be an integer from 1"),
    (["-p", "use_sim_time:='true'"], "wrong ROS arguments: Trying to set parameter 'use_sim_time'"),
    (["--params-file", "absent.yaml"], "wrong ROS arguments: "),
])  # fmt: skip
def test_wrong_arguments_end_in_one_sentence(run_node, arguments, words):
    code, output = run_node("tracker_node", *arguments).end()
    assert code == 1
    line = output.strip().splitlines()[-1]
    assert line.startswith("tracker-ros: error: ")
    assert line.count("parameter") <= 1  # said once
    assert words in line
    assert "Traceback" not in output


@pytest.mark.parametrize("name, topic", [
    ("tracker_node", "image"), ("tracker_node", "detections"), ("tracker_node", "~/status"),
    ("follow_node", "depth/image"), ("follow_node", "~/pose"),
    ("player_node", "image"), ("player_node", "__ns"), ("player_node", "__node"),
])  # fmt: skip
def test_names_too_long_for_topics_end_in_one_sentence(run_node, name, topic, scene, tmp_path):
    cv2.imwrite(str(tmp_path / "1.png"), scene.blank)
    source = ("-p", f"source:={tmp_path}") if name == "player_node" else ()
    long = {"__node": "a" * 240, "__ns": "/" + "a" * 235}.get(topic, "/" + "a" * 260)
    code, output = run_node(name, "-r", f"{topic}:={long}", *source).end()
    assert code == 1
    line = output.strip().splitlines()[-1]
    assert line.startswith("tracker-ros: error: ")
    assert "topic length should not exceed" in line
    assert "Traceback" not in output


def test_words_that_ros_would_ignore_are_told(run_node):
    code, output = run_node("tracker_node", "--", "-p", "model:=dastm_nano").end()
    assert code == 1
    line = output.splitlines()[-1]
    assert line.startswith("tracker-ros: error: '-p' is no argument of a node: after --ros-args")


def test_words_that_are_not_utf8_are_told(run_node):
    code, output = run_node("player_node", "-p", os.fsdecode(b"source:=b\xff")).end()
    assert code == 1
    assert output.startswith("tracker-ros: error: wrong ROS arguments: 'source:=b\\udcff' is not")


def test_signal_ends_a_node_whose_model_is_absent(run_node):
    node = run_node("tracker_node", "-p", "model:=absent")
    node.wait_for("absent")
    assert "[ERROR]" in node.output.splitlines()[0]
    code, output = node.end(signal.SIGTERM)
    assert code == 0
    assert "Traceback" not in output


# As the installed commands do.
START = "from tracker_ros.nodes import entry; getattr(entry, sys.argv.pop())()"


@pytest.mark.parametrize("name, module", [
    ("tracker_node", "rclpy"), ("follow_node", "rclpy"), ("player_node", "rclpy"),
    ("select_node", "tracker_ros.core.errors"),
])  # fmt: skip
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_while_a_node_is_imported_ends_it_without_a_word(ros, name, module, number):
    process = stopped(module, START, name, stderr=subprocess.STDOUT)
    try:
        process.send_signal(number)
        output, _ = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    assert (process.returncode, output) == (0, "")


def test_a_second_signal_while_python_ends_changes_nothing(ros):
    """Python forgets handlers of ours then, and what is ignored stays ignored."""
    code = "import signal; from tracker_ros.nodes import entry; entry.select_node();"
    code += "print(*(signal.getsignal(one).name for one in (1, 2, 15)))"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "--ros-args", "-p", "port:=0"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert "open http://" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    assert (process.returncode, output) == (0, "SIG_IGN SIG_IGN SIG_IGN\n")


def test_logs_go_where_they_can_be_written(tmp_path, monkeypatch):
    assert logs.use_log_folder({"ROS_LOG_DIR": "/somewhere"}) is None
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    environment = {"HOME": str(tmp_path / "home")}
    assert logs.use_log_folder(environment) is None
    assert environment == {"HOME": str(tmp_path / "home")}
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HOME", str(tmp_path / "file"))  # nothing can be made in it
    environment = {"HOME": str(tmp_path / "file")}
    folder = logs.use_log_folder(environment)
    assert environment["ROS_LOG_DIR"] == str(folder)
    assert folder.is_dir()
    folder.rmdir()


@pytest.mark.parametrize("home", [None, "/proc/none"])
def test_node_runs_without_a_home(run_node, monkeypatch, home):
    monkeypatch.delenv("ROS_LOG_DIR", raising=False)
    monkeypatch.delenv("HOME")
    if home:
        monkeypatch.setenv("HOME", home)
    node = run_node("tracker_node", "-p", "model:=dastm_nano")
    node.wait_for(" active ")
    code, output = node.end(signal.SIGINT)
    assert code == 0
    assert "Traceback" not in output


def test_log_folder_that_cannot_be_written_is_one_sentence(run_node, monkeypatch):
    monkeypatch.setenv("ROS_LOG_DIR", "/proc/none")
    code, output = run_node("tracker_node").end()
    assert code == 1
    assert output.strip().splitlines()[-1] == (
        "tracker-ros: error: ROS 2 cannot write its log; set ROS_LOG_DIR to a folder that can be"
        " written"
    )
