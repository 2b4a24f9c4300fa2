"""The Fast DDS profile that gets camera images through; see config/fastdds.xml."""

import os
import shutil
import sys
from collections.abc import Mapping, MutableMapping
from pathlib import Path

from ...core.io.paths import share_dir

# Fast DDS before 3.0 (until Jazzy) reads the first, since 3.0 (from Kilted) the second; it then
# warns of the first. The name of its library tells which one is there.
LIBRARIES = {
    "libfastrtps.so": "FASTRTPS_DEFAULT_PROFILES_FILE",
    "libfastdds.so": "FASTDDS_DEFAULT_PROFILES_FILE",
}
PROFILE_VARIABLES = tuple(LIBRARIES.values())
# Any of these means that the user has chosen the transports.
CHOICES = (*PROFILE_VARIABLES, "FASTDDS_BUILTIN_TRANSPORTS")

# Bytes of free shared memory. A process that cannot get its share is left with UDP.
ROOMY, SMALL = 256 * 2**20, 32 * 2**20


def use_profile(environment: MutableMapping[str, str] = os.environ) -> Path | None:
    """Make Fast DDS use the profile unless the user has chosen one; returns its path, or None.

    Fast DDS reads the environment once, so this must come before rclpy.init(). Other middlewares
    ignore these variables. Raises TrackerError if the package's files are missing.
    """
    name = profile_name(shared_memory())
    if name is None or any(environment.get(variable) for variable in CHOICES):
        return None
    path = share_dir() / "config" / name
    for variable in profile_variables(environment):
        environment[variable] = str(path)
    return path


def profile_variables(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The variables that the installed Fast DDS reads; all of them if none is found."""
    folders = environment.get("LD_LIBRARY_PATH", "").split(os.pathsep)
    for prefix in (*environment.get("AMENT_PREFIX_PATH", "").split(os.pathsep), sys.prefix):
        folders += [f"{prefix}/lib", f"{prefix}/lib/{os.uname().machine}-linux-gnu"]
    for folder in filter(os.path.isabs, folders):
        for library, variable in LIBRARIES.items():
            if any(Path(folder).glob(f"{library}*")):
                return (variable,)
    return PROFILE_VARIABLES


def profile_name(free: int) -> str | None:
    """The profile for so many bytes of free shared memory; None if Fast DDS's own fits best."""
    if free < SMALL:
        return None
    return "fastdds.xml" if free >= ROOMY else "fastdds_small.xml"


def shared_memory() -> int:
    """Bytes of free shared memory."""
    try:
        return shutil.disk_usage("/dev/shm").free
    except OSError:
        return 0
