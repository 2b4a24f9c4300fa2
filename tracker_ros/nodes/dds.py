"""The Fast DDS profile that gets camera images through; see config/fastdds.xml."""

import os
import shutil
from collections.abc import MutableMapping
from pathlib import Path

from ..core.paths import share_dir

# Fast DDS before 3.0 reads the first, since 3.0 the second.
PROFILE_VARIABLES = ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE")
# Any of these means that the user has chosen the transports.
CHOICES = (*PROFILE_VARIABLES, "FASTDDS_BUILTIN_TRANSPORTS")

# Bytes of free shared memory. A process that cannot get its share is left with UDP.
ROOMY, SMALL = 256 * 2**20, 32 * 2**20


def use_profile(environment: MutableMapping[str, str] = os.environ) -> Path | None:
    """Point Fast DDS to the profile unless the user has chosen one; returns its path if so.

    Fast DDS reads the environment once, so this must come before rclpy.init(). Other middlewares
    do not look at these variables. Raises TrackerError where the package has lost its files.
    """
    name = profile_name(shared_memory())
    if name is None or any(environment.get(variable) for variable in CHOICES):
        return None
    path = share_dir() / "config" / name
    for variable in PROFILE_VARIABLES:
        environment[variable] = str(path)
    return path


def profile_name(free: int) -> str | None:
    """The profile for so many bytes of free shared memory; None where Fast DDS's own fits best."""
    if free < SMALL:
        return None
    return "fastdds.xml" if free >= ROOMY else "fastdds_small.xml"


def shared_memory() -> int:
    """Bytes of free shared memory."""
    try:
        return shutil.disk_usage("/dev/shm").free
    except OSError:
        return 0
