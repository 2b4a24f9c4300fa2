"""The Fast DDS profile that gets camera images through; see config/fastdds.xml."""

import os
from collections.abc import MutableMapping
from pathlib import Path

from tracker_ros.paths import share_dir

# Fast DDS before 3.0 reads the first, since 3.0 the second.
PROFILE_VARIABLES = ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE")
# Any of these means that the user has chosen the transports.
CHOICES = (*PROFILE_VARIABLES, "FASTDDS_BUILTIN_TRANSPORTS")


def use_profile(environment: MutableMapping[str, str] = os.environ) -> Path | None:
    """Point Fast DDS to the profile unless the user has chosen one; returns its path if so.

    Fast DDS reads the environment once, so this must come before rclpy.init(). Other middlewares
    do not look at these variables. Raises TrackerError where the package has lost its files.
    """
    if any(environment.get(name) for name in CHOICES):
        return None
    path = share_dir() / "config" / "fastdds.xml"
    for name in PROFILE_VARIABLES:
        environment[name] = str(path)
    return path
