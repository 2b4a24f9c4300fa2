"""ROS domains of their own, so that what tests start meets no other test and no other run."""

import itertools
import os

_COUNT = 100  # domains from 1 on; above 101, Linux may have given the ports away
_share = _COUNT // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1))
_first = 1 + _share * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_numbers = itertools.count(os.getpid())


def own_domain() -> dict[str, str]:
    """Environment variables of the next domain; each of pytest's processes has its own share."""
    return {
        "ROS_DOMAIN_ID": str(_first + next(_numbers) % _share),
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
    }
