"""NumPy's products keep to one core, whoever loads NumPy first."""

import os
import subprocess
import sys

import pytest

from tracker_ros.engines.runners.cores import cores

pytest.importorskip("threadpoolctl")

NAME = "OPENBLAS_NUM_THREADS"
COUNT = """
import threadpoolctl
found = threadpoolctl.threadpool_info()
print([one["num_threads"] for one in found if one["internal_api"] == "openblas"])
"""


@pytest.mark.parametrize("modules", ("numpy, tracker_ros", "tracker_ros, numpy"))
@pytest.mark.parametrize("said, wanted", ((None, "[1]"), ("2", "[2]")))
def test_threads_of_numpys_products(modules, said, wanted):
    if said and cores() < int(said):
        pytest.skip(f"OpenBLAS has no more threads than cores, and here are fewer than {said}")
    environment = {key: value for key, value in os.environ.items() if key != NAME}
    environment |= {NAME: said} if said else {}
    command = [sys.executable, "-c", f"import {modules}\n{COUNT}"]
    told = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    if told.stdout.strip() == "[]":
        pytest.skip("this NumPy does without OpenBLAS")
    assert told.stdout.strip() == wanted, told.stderr
