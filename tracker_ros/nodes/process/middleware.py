"""Whether ROS 2 can start here at all: what the environment asks of its middleware.

rcl ends the process from C where it does not find the middleware that was asked for, and that while
rclpy is imported. So the variables are looked at before, and for a long run a process of its own
tries it out (``try_out``).
"""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

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
PATIENCE = 60.0  # seconds
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


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


def try_out() -> None:
    """Start a node in a process of its own and end it. Raises TrackerError if it does not start.

    Raises ModuleNotFoundError where there is no ROS 2.
    """
    if find_spec("rclpy") is None:
        raise ModuleNotFoundError("No module named 'rclpy'", name="rclpy")
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


def failure(said: str) -> TrackerError:
    """For a node that does not start: what the library said, with what may have caused it."""
    given = [f"{name}={os.environ[name]}" for name in SUSPECTS if os.environ.get(name)]
    with_these = f" with {', '.join(given)}" if given else ""
    return TrackerError(f"no ROS 2 node can start here{with_these}: {said}")


def _try() -> None:
    import rclpy
    from rclpy.signals import SignalHandlerOptions

    from .names import reason
    from .run import init

    try:
        init([], SignalHandlerOptions.NO)
        rclpy.create_node("tryout").destroy_node()
        rclpy.try_shutdown()
    except Exception as error:  # rclpy has many types for it
        sys.exit(reason(error))


if __name__ == "__main__":
    _try()
