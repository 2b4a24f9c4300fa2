"""Entry points of the nodes' processes: signals are handled before anything heavy is imported.

``python -m tracker_ros.nodes.entry NAME`` runs a node where the commands are not installed.
"""

import importlib
import os
import signal
import sys
from functools import partial

NODES = {"tracker_node": "TrackerNode", "follow_node": "FollowNode", "player_node": "PlayerNode"}


def _run(name: str) -> None:
    # An exception in the middle of an import may go anywhere; and there is nothing to end yet.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(0))
    try:  # rcl may end the process while rclpy is imported
        importlib.import_module(".process.middleware", __package__).check()
    except importlib.import_module("..core.errors", __package__).TrackerError as error:
        sys.exit(f"tracker-ros: error: {error}")
    node = getattr(importlib.import_module(f".{name}", __package__), NODES[name])
    importlib.import_module(".process.run", __package__).run(node)


# What ``ros2 run tracker_ros NAME`` calls.
tracker_node, follow_node, player_node = (partial(_run, name) for name in NODES)

if __name__ == "__main__":
    _run(sys.argv.pop(1))
