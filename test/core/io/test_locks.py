import subprocess
import sys
import threading

import pytest

from tracker_ros.core.errors import InputError
from tracker_ros.core.io.locks import locked


def test_a_lock_keeps_other_threads_out(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path)
    order, waits = [], threading.Event()

    def other():
        waits.set()
        with locked(tmp_path / "link"):
            order.append("other")

    thread = threading.Thread(target=other)
    with locked(tmp_path):
        thread.start()
        waits.wait()
        with (
            pytest.raises(InputError, match="link is in use: another thread writes there"),
            locked(tmp_path / "link", wait=False),
        ):
            pass
        order.append("first")
    thread.join()
    assert order == ["first", "other"]


FORKED = """
import os, sys
from pathlib import Path
from tracker_ros.core.errors import InputError
from tracker_ros.core.io.locks import locked
folder = Path(sys.argv[1])
with locked(folder):
    child = os.fork()
    if not child:
        try:
            locked(folder, wait=False).__enter__()
        except InputError as error:
            os.write(1, str(error).encode())
        os._exit(0)
    os.waitpid(child, 0)
child = os.fork()
if not child:
    with locked(folder):
        os.write(1, b"; free")
    os._exit(0)
os.waitpid(child, 0)
"""


def test_a_forked_process_meets_a_lock_as_any_other_process(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", FORKED, tmp_path], capture_output=True, text=True, timeout=120
    )
    assert done.stderr == ""
    assert done.stdout == f"{tmp_path} is in use: another process writes there; free"
