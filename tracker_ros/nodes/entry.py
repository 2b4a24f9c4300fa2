"""Entry points of the nodes' processes: signals are handled before anything heavy is imported.

``python -m tracker_ros.nodes.entry NAME`` runs a node where the commands are not installed.
"""

import importlib
import os
import sys
from functools import partial

from .process import signals

NODES = {
    "tracker_node": "TrackerNode",
    "follow_node": "FollowNode",
    "player_node": "PlayerNode",
    "select_node": "SelectNode",
}


def _run(name: str) -> None:
    # An exception in the middle of an import may go anywhere; and there is nothing to end yet.
    signals.handle(lambda *_: os._exit(0))
    from ..core.errors import TrackerError, missing
    from .process import usage

    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")  # what it says our own errors say, too
    try:
        if usage.asked(sys.argv[1:]):
            print(usage.text(name))
            return
        # rcl may end the process while rclpy is imported, so this comes first.
        importlib.import_module(".process.middleware", __package__).check()
        node = getattr(importlib.import_module(f".{name}", __package__), NODES[name])
    except TrackerError as error:
        sys.exit(f"tracker-ros: error: {error}")
    except ModuleNotFoundError as error:
        sys.exit(f"tracker-ros: error: {missing(error, name)}")
    importlib.import_module(".process.run", __package__).run(node)


# What ``ros2 run tracker_ros NAME`` calls.
tracker_node, follow_node, player_node, select_node = (partial(_run, name) for name in NODES)

if __name__ == "__main__":
    name = sys.argv.pop(1) if sys.argv[1:] else ""
    if name not in NODES:
        sys.exit(f"tracker-ros: error: name the node to run first: {', '.join(NODES)}")
    _run(name)
