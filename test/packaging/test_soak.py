"""`make soak` at its shortest: that what it measures can be measured."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from test.domains import own_domain

pytest.importorskip("rclpy", reason="rclpy is not installed here")
SOAK = Path(__file__).parents[2] / "tools" / "soak"


def test_shortest_soak_holds(tmp_path):
    # A slow machine, too, has time for an image a second.
    options = ["--frames=10", "--malformed=9", "--kills=1", "--cameras=2", "--seconds=3"]
    options += ["--rate=1"]
    done = subprocess.run(
        [sys.executable, SOAK, *options], cwd=tmp_path, capture_output=True, text=True,
        env=os.environ | own_domain(),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    results = json.loads((tmp_path / "out" / "soak.json").read_text())
    assert results["failures"] == []
    assert results["frames"]["answered"] == 10
    assert results["malformed"]["named"] == results["mutated"]["survived"] == 9
    assert results["kills"]["resumed"] == results["player_kills"]["resumed"] == 1
    assert len(results["cameras"]["answered"]) == 2
