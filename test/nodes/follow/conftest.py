"""A follow node that the tests of one file share."""

import pytest

from ..conftest import NodeProcess, ending_well
from .scene import Scene, meet


@pytest.fixture(scope="module")
def follower(ros):
    """A peer in touch with an active follow node; no tracker but the peer."""
    node = NodeProcess("follow_node", "-r", "__ns:=/camera2", "-r",
                      "detections:=tracker_node/detections", "-r",
                      "status:=tracker_node/status", "-p", "depth_qos:=DEFAULT",
                      "-p", "tf:=true", "-p", "depth_scala:=0.5",
                      "-p", "watchdog:=3600.0")  # fmt: skip
    with ending_well(Scene(ros, "/camera2"), node) as peer:
        meet(peer)
        yield peer
