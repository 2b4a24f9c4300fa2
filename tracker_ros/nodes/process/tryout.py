"""Whether ROS 2 can start here at all: a process of its own starts a node and ends it.

A long run asks before it begins, so that it does not end where its first node would start.
"""

import os
import re
import subprocess
import sys
from tempfile import TemporaryDirectory

from ...core.errors import require
from .middleware import check, failure
from .names import reason
from .run import init

PATIENCE = 60.0  # seconds
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


def try_out() -> None:
    """Start a node in a process of its own and end it. Raises TrackerError if it does not start.

    Raises ModuleNotFoundError where there is no ROS 2.
    """
    require("rclpy")
    check()
    with TemporaryDirectory(prefix="tracker_ros-log-") as folder:
        defaults = {"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST", "ROS_LOG_DIR": folder}
        try:
            run = subprocess.run(
                [sys.executable, "-m", __name__],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=PATIENCE,
                env=defaults | dict(os.environ),
            )
        except subprocess.TimeoutExpired:
            said = f"none did within {PATIENCE:g} s"
        else:
            if run.returncode == 0:
                return
            lines = _ANSI.sub("", run.stderr.decode(errors="replace")).splitlines()
            said = next((line.strip() for line in reversed(lines) if line.strip()), "")
            said = said.partition(", at /")[0] or f"it ended with {run.returncode}"
    raise failure(said)


def _try() -> None:
    import rclpy
    from rclpy.signals import SignalHandlerOptions

    try:
        init([], SignalHandlerOptions.NO)
        rclpy.create_node("tryout").destroy_node()
        rclpy.try_shutdown()
    except Exception as error:  # rclpy has many types for it
        sys.exit(reason(error))


if __name__ == "__main__":
    _try()
