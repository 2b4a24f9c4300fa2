"""The entry points where something that they need is missing."""

import subprocess
import sys

import pytest

from tracker_ros.nodes.entry import NODES

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
