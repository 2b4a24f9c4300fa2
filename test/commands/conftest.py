"""A small sequence to run commands on, and `tracker-ros demo` as a process of its own."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import pytest

from test.domains import own_domain

# A process that imports torch takes seconds to start.
WITHOUT_TORCH = ("--model", "dastm_nano", "--engine", "onnx")
WAIT = 240  # seconds; only a hang takes so long


class Demo:
    """A running `tracker-ros demo`."""

    def __init__(self, arguments, output):
        self.output = output
        command = [sys.executable, "-m", "tracker_ros", "demo", "--output", output, *arguments]
        environment = {
            **os.environ,
            **own_domain(),
            "ROS_LOG_DIR": str(output / "ros_log"),
        }
        self._process = subprocess.Popen(
            list(map(str, command)),
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def end(self):
        """Exit status, standard output and standard error."""
        out, err = self._process.communicate(timeout=WAIT)
        return self._process.returncode, out, err

    def both_nodes(self):
        """Process ids of tracker and player, by name, once both are there."""
        deadline = time.monotonic() + WAIT
        while len(found := self.nodes()) < 2:
            assert self._process.poll() is None, self._process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert set(found) == {"tracker_node", "player_node"}
        return found

    def nodes(self):
        """Process ids of its nodes, by name."""
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                words = os.fsdecode((entry / "cmdline").read_bytes()).split("\0")
            except OSError:  # ended meanwhile
                continue
            if f"__ns:=/replay_{self._process.pid}" in words:
                found[words[3]] = int(entry.name)
        return found

    def interrupt(self):
        """Ctrl-C, which a terminal sends to the nodes, too."""
        os.killpg(self._process.pid, signal.SIGINT)

    def kill(self):
        self._process.kill()
        self._process.wait()
        for pid in self.nodes().values():
            with suppress(ProcessLookupError):  # it has ended meanwhile
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def sequence(tmp_path):
    """Write an OTB folder of `frames` pictures with a textured square that moves right."""

    def write(frames, name="square", size=(60, 80)):
        folder = tmp_path / "sequences" / name
        (folder / "img").mkdir(parents=True)
        texture = np.random.default_rng(0).integers(100, 255, (20, 20, 3), np.uint8)
        boxes = []
        for i in range(frames):
            image = np.full((*size, 3), 40, np.uint8)
            x = 5 + i % (size[1] - 30)
            image[20:40, x : x + 20] = texture
            cv2.imwrite(str(folder / "img" / f"{i:05}.png"), image)
            boxes.append(f"{x},20,20,20")
        (folder / "groundtruth_rect.txt").write_text("\n".join(boxes))
        return folder

    return write


@pytest.fixture
def demo(tmp_path):
    """Start `tracker-ros demo` with the given arguments."""
    pytest.importorskip("rclpy")
    started = []

    def start(*arguments):
        started.append(Demo(arguments, tmp_path / "demo"))
        return started[-1]

    yield start
    for each in started:
        each.kill()
