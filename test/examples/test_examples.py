"""The examples run as their first lines say."""

import os
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from tracker_ros.datasets.synthetic.bag import write_clip
from tracker_ros.datasets.synthetic.clip import Clip

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"


def run(name: str, *arguments: object) -> list[str]:
    """The lines that an example prints."""
    command = [sys.executable, EXAMPLES / name, *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}  # not everywhere it is installed
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def clip():
    return Clip(24)


def test_track_video(clip, tmp_path):
    for index in range(12):
        cv2.imwrite(str(tmp_path / f"{index:03}.png"), clip.render(index))
    lines = run("track_video.py", tmp_path, ",".join(map(str, clip.truth(0))), "dastm_nano")
    assert [line.split()[0] for line in lines] == [str(index) for index in range(1, 12)]
    x, y, _, _ = map(float, lines[-1].split()[2:])
    assert abs(x - clip.truth(11)[0]) < 10 and abs(y - clip.truth(11)[1]) < 10


def test_evaluate_bag(clip, tmp_path):
    write_clip(clip, tmp_path / "bag")
    (line,) = run("evaluate_bag.py", tmp_path / "bag", "dastm_nano")
    assert float(line.split()[1].rstrip(",")) > 0.5
