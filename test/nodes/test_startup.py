"""What a tracker node loads until it is active with a warm model."""

import json
import os
import subprocess
import sys

import pytest

from test.domains import own_domain

pytest.importorskip("rclpy")

CODE = """
import json
import sys

import rclpy

from tracker_ros.nodes.process import dds

dds.use_profile()
rclpy.init(args=sys.argv)
from tracker_ros.nodes.tracker_node import TrackerNode

node = TrackerNode()
node.start()
print(json.dumps([node.stage, node.tracker.engine.provider, sorted(sys.modules)]))
node.release()
node.destroy_node()
rclpy.try_shutdown()
"""


def test_an_active_node_has_loaded_neither_torch_nor_what_only_commands_need():
    arguments = ("--ros-args", "-p", "engine:=onnx", "-p", "device:=cpu")
    done = subprocess.run(
        [sys.executable, "-c", CODE, *arguments], capture_output=True, text=True, check=True,
        env={**os.environ, **own_domain()},
    )  # fmt: skip
    stage, provider, modules = json.loads(done.stdout.splitlines()[-1])
    assert (stage, provider) == ("active", "onnxruntime CPUExecutionProvider")
    assert "onnxruntime" in modules
    heavy = {"torch", "onnx", "scipy", "skimage", "matplotlib", "rich", "rosbags"}
    assert heavy.isdisjoint(modules)
