"""What is published of an answer that comes late, without DDS."""

from types import SimpleNamespace

import numpy as np
import pytest

from tracker_ros.runtime.answer import Answer, Target
from tracker_ros.runtime.frame_slot import ReceivedImage

pytest.importorskip("rclpy")


class Node:
    """As much of a tracker node as its outputs ask for."""

    enabled, slot = True, SimpleNamespace(dropped=0)

    def __init__(self):
        self.published = {}

    def create_lifecycle_publisher(self, kind, name, profile):
        sent = self.published[name] = []
        wanted = name == "~/markers"
        return SimpleNamespace(publish=sent.append, get_subscription_count=lambda: wanted)

    def get_fully_qualified_name(self):
        return "/tracker_node"


def test_no_marker_comes_after_the_node_was_disabled():
    from std_msgs.msg import Header

    from tracker_ros.nodes.outputs import Outputs

    node, header = Node(), Header(frame_id="camera")
    monitor = SimpleNamespace(gates=None, report=None, follow=lambda answer: None)
    outputs = Outputs(node, monitor, "dastm")
    frame = ReceivedImage(1, 0, 0, 0.0, SimpleNamespace(header=header))
    found = Answer(frame, np.zeros((9, 9, 3), np.uint8), Target("1", "", 0), None, (1, 2, 3, 4))
    outputs.finish(found)
    node.enabled = False
    outputs.clear()
    outputs.finish(found)  # of the frame that the worker was at
    assert [marker.action for marker in node.published["~/markers"]] == [0, 1]
    assert len(node.published["~/status"]) == 2
