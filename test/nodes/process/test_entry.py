"""The entry points: help, and where something that they need is missing."""

import subprocess
import sys

import pytest

from tracker_ros.nodes.entry import NODES
from tracker_ros.nodes.parameters import NODES as TABLES

CODE = """
import sys
sys.modules["rclpy"] = sys.modules["diagnostic_msgs"] = None
from tracker_ros.nodes import entry
getattr(entry, sys.argv.pop(1))()
"""


@pytest.mark.parametrize("name", sorted(NODES))
def test_without_ros_a_node_says_so_in_one_sentence(name):
    done = subprocess.run(
        [sys.executable, "-c", CODE, name], capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"tracker-ros: error: {name} needs the Python package ")
    assert done.stderr.count("\n") == 1 and "source a ROS 2 installation" in done.stderr


@pytest.mark.parametrize("words", [[], ["trakcer_node"]])
def test_what_names_no_node_is_told(words):
    command = [sys.executable, "-m", "tracker_ros.nodes.entry", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    names = ", ".join(NODES)
    assert done.stderr == f"tracker-ros: error: name the node to run first: {names}\n"
    assert done.returncode == 1


@pytest.mark.parametrize("name", sorted(NODES))
def test_help_names_every_parameter_and_needs_no_ros(name):
    """At the end of a line, too, which somebody had begun."""
    words = {"tracker_node": ["-h"], "follow_node": ["--ros-args", "-p", "tf:=true", "--help"]}
    done = subprocess.run(
        [sys.executable, "-c", CODE, name, *words.get(name, ["--help"])],
        capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: ros2 run tracker_ros {name} --ros-args ")
    for parameter in TABLES[name]:
        assert f"\n  {parameter.name}:=" in done.stdout
