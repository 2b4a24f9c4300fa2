"""NumPy's products keep to one core, whoever loads NumPy first."""

import os
import subprocess
import sys

import pytest

threadpoolctl = pytest.importorskip("threadpoolctl")

NAME = "OPENBLAS_NUM_THREADS"
COUNT = """
import threadpoolctl
print([one["num_threads"] for one in threadpoolctl.threadpool_info() if one["user_api"] == "blas"])
"""


@pytest.mark.parametrize("modules", ("numpy, tracker_ros", "tracker_ros, numpy"))
@pytest.mark.parametrize("said, wanted", ((None, "[1]"), ("2", "[2]")))
def test_threads_of_numpys_products(modules, said, wanted):
    if os.cpu_count() == 1:
        pytest.skip("one core: NumPy has one thread, whatever is said")
    environment = {key: value for key, value in os.environ.items() if key != NAME}
    environment |= {NAME: said} if said else {}
    command = [sys.executable, "-c", f"import {modules}\n{COUNT}"]
    told = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    if told.stdout.strip() == "[]":
        pytest.skip("this NumPy has no threads")
    assert told.stdout.strip() == wanted, told.stderr
