"""What the environment asks of ROS 2's middleware, and whether that can be.

rcl ends the process from C where it does not find the middleware that was asked for, and that while
rclpy is imported. So the variables are looked at before; ``tryout`` does more.
"""

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from ...core.errors import ParameterError, TrackerError

HIGHEST_DOMAIN = 232  # DDS makes UDP ports of it, which end at 65535
# What may be at fault; the rest of the sentence is the library's.
SUSPECTS = (
    "RMW_IMPLEMENTATION",
    "ROS_STATIC_PEERS",
    "ROS_SECURITY_KEYSTORE",
    "ROS_SECURITY_ENCLAVE_OVERRIDE",
    "CYCLONEDDS_URI",
    "ZENOH_SESSION_CONFIG_URI",
)


def check(environment: Mapping[str, str] = os.environ) -> None:
    """Raise ParameterError, naming the variable, for a middleware or domain that cannot be."""
    wanted = environment.get("RMW_IMPLEMENTATION", "")
    here = installed(environment)
    if wanted and here and wanted not in here:
        raise ParameterError(
            f"the environment variable RMW_IMPLEMENTATION is {wanted!r}, but there is only"
            f" {', '.join(sorted(here))}"
        )
    domain = environment.get("ROS_DOMAIN_ID", "")
    number = _number(domain) if domain else 0
    dds = "zenoh" not in wanted  # which has no ports of a domain
    if number is None or (dds and number > HIGHEST_DOMAIN):
        raise ParameterError(
            f"the environment variable ROS_DOMAIN_ID is {domain!r}, but must be a whole number from"
            f" 0 to {HIGHEST_DOMAIN}"
        )


def installed(environment: Mapping[str, str]) -> set[str]:
    """The middlewares that ament's index knows; none if there is no index."""
    prefixes = (*environment.get("AMENT_PREFIX_PATH", "").split(os.pathsep), sys.prefix)
    folders = (
        Path(prefix, "share", "ament_index", "resource_index", "rmw_typesupport")
        for prefix in filter(os.path.isabs, prefixes)
    )
    found = {path.name for folder in folders if folder.is_dir() for path in folder.iterdir()}
    return found - {"rmw_implementation"}  # which loads one of the others


def _number(text: str) -> int | None:
    """A whole number as C reads it; None for other text."""
    octal = re.fullmatch(r"[+-]?0[0-7]+", text)
    try:
        return int(text, 8 if octal else 0)
    except ValueError:
        return None


def failure(said: str) -> TrackerError:
    """For a node that does not start: what the library said, with what may have caused it."""
    given = [f"{name}={os.environ[name]}" for name in SUSPECTS if os.environ.get(name)]
    with_these = f" with {', '.join(given)}" if given else ""
    return TrackerError(f"no ROS 2 node can start here{with_these}: {said}")
