"""The Fast DDS profile that gets camera images through; see config/fastdds.xml."""

import contextlib
import os
import sys
from collections.abc import MutableMapping
from pathlib import Path

# Fast DDS before 3.0 reads the first, since 3.0 the second.
PROFILE_VARIABLES = ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE")
# Any of these means that the user has chosen the transports.
CHOICES = (*PROFILE_VARIABLES, "FASTDDS_BUILTIN_TRANSPORTS")


def profile_path() -> Path | None:
    """This package's Fast DDS profile: in the checkout, or where it is installed."""
    homes = [Path(__file__).resolve().parents[2], Path(sys.prefix) / "share" / "tracker_ros"]
    if os.environ.get("AMENT_PREFIX_PATH"):  # a ROS 2 machine
        from ament_index_python.packages import PackageNotFoundError, get_package_share_directory

        with contextlib.suppress(PackageNotFoundError):
            homes.append(Path(get_package_share_directory("tracker_ros")))
    paths = (home / "config" / "fastdds.xml" for home in homes)
    return next((path for path in paths if path.is_file()), None)


def use_profile(environment: MutableMapping[str, str] = os.environ) -> Path | None:
    """Point Fast DDS to the profile unless the user has chosen one; returns the path if set.

    Fast DDS reads the environment once, so this must come before rclpy.init(). Other middlewares
    do not look at these variables.
    """
    path = profile_path()
    if path is None or any(environment.get(name) for name in CHOICES):
        return None
    for name in PROFILE_VARIABLES:
        environment[name] = str(path)
    return path
