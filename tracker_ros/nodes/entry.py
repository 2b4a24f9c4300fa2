"""Entry points of the nodes' processes: nothing heavy is imported before signals are handled."""

import importlib
import os
import signal


def tracker_node() -> None:
    """``ros2 run tracker_ros tracker_node``."""
    _run("tracker_node")


def follow_node() -> None:
    """``ros2 run tracker_ros follow_node``."""
    _run("follow_node")


def player_node() -> None:
    """``ros2 run tracker_ros player_node``."""
    _run("player_node")


def _run(name: str) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    importlib.import_module(f".{name}", __package__).main()


def _leave(number: int, frame: object) -> None:
    # An exception in the middle of an import may go anywhere; and there is nothing to end yet.
    os._exit(0)
