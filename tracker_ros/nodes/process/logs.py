"""A folder for ROS's logs if there is no home folder for them."""

import os
import tempfile
from collections.abc import MutableMapping
from pathlib import Path

CHOICES = ("ROS_LOG_DIR", "ROS_HOME")


def use_log_folder(environment: MutableMapping[str, str] = os.environ) -> Path | None:
    """Set ROS_LOG_DIR if ROS cannot write to its own choice; returns the folder, or None.

    ROS uses ~/.ros/log, and does not start if HOME is not set or not writable, as for a user that a
    container's passwd does not have.
    """
    if any(environment.get(name) for name in CHOICES):
        return None
    home = os.path.expanduser("~")  # from the passwd where HOME is not set
    folder = Path(home, ".ros", "log")
    if os.path.isabs(home) and _is_writable(folder):
        if not environment.get("HOME"):
            environment["ROS_LOG_DIR"] = str(folder)
        return None
    folder = Path(tempfile.mkdtemp(prefix="tracker_ros-log-"))
    environment["ROS_LOG_DIR"] = str(folder)
    return folder


def _is_writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)
