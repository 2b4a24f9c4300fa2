"""A short run of ``make fuzz``."""

import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / "tools" / "fuzz.py"


def test_damaged_files_are_read_or_named(tmp_path):
    pytest.importorskip("torch", reason="it damages torch's files, too")
    done = subprocess.run(
        [sys.executable, TOOL, "--cases", "40", "--seed", "1", "--out", tmp_path],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 wrong" in done.stdout
