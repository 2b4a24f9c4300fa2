"""The progress bar, and what is printed beside it; tables."""

import os
import pty
import subprocess
import sys
from contextlib import redirect_stdout, suppress

import pytest

from tracker_ros.commands.common.terminal import print_table

CODE = """
from tracker_ros.commands.common.terminal import progress_bar
with progress_bar() as bar:
    task = bar.add_task("training", total=100)
    bar.update(task, completed=25)
    print("step 1: [loss] 3", flush=True)
    bar.update(task, completed=50)
"""
LINE = "step 1: [loss] 3"


def shown(**streams) -> tuple[str, str]:
    """What comes on the terminal that the bar is on, and what is left of stdout."""
    ours, theirs = pty.openpty()
    told = {"stdout": theirs, "stderr": theirs} | streams
    process = subprocess.Popen(
        [sys.executable, "-c", CODE], **told, env=os.environ | {"TERM": "xterm"}
    )
    os.close(theirs)
    seen = b""  # a slow machine shows more bars than one call reads, or a terminal holds
    with suppress(OSError):  # nobody has the terminal open any more
        while part := os.read(ours, 1 << 16):
            seen += part
    os.close(ours)
    piped, _ = process.communicate()
    assert process.returncode == 0
    return seen.decode(), (piped or b"").decode()


def test_a_terminal_shows_a_bar_below_the_lines():
    terminal, _ = shown()
    assert LINE in terminal and "training" in terminal and "50/100" in terminal


def test_lines_go_where_stdout_goes():
    terminal, piped = shown(stdout=subprocess.PIPE)
    assert piped == f"{LINE}\n"
    assert "50/100" in terminal and LINE not in terminal


def test_elsewhere_than_on_a_terminal_lines_are_plain():
    terminal, piped = shown(stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert (terminal, piped) == ("", f"{LINE}\n")


def test_a_table_that_nobody_reads_is_a_broken_pipe():
    reading, writing = os.pipe()
    os.close(reading)
    gone = os.fdopen(writing, "w")
    with redirect_stdout(gone), pytest.raises(BrokenPipeError):
        print_table(("name", "value"), [("a", "1")])
    with suppress(BrokenPipeError):
        gone.close()
