"""The examples run as their first lines say."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import cv2
import pytest

from tracker_ros.conversions.boxes import detection_to_box
from tracker_ros.core.geometry.boxes import overlap
from tracker_ros.datasets.synthetic.bag import write_clip
from tracker_ros.datasets.synthetic.clip import SyntheticClip

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
    return SyntheticClip(24)


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


def test_several_targets(party, tmp_path):
    for index in range(10):
        cv2.imwrite(str(tmp_path / f"{index:03}.png"), party.frame(index))
    table = tmp_path / "detections.csv"
    first = [(0, "face", *party.box(0, 0)), (0, "cat", *party.box(1, 0))]
    later = [(5, "cat", *party.box(1, 5)), (5, "cup", *party.box(2, 5))]
    table.write_text("\n".join(",".join(map(str, row)) for row in first + later))
    lines = [line.split() for line in run("several_targets.py", tmp_path, table, "dastm_nano")]
    last = [line for line in lines if line[0] == "9"]
    assert [line[1:4] for line in last] == [
        ["1", "face", "TRACKING"], ["2", "cat", "TRACKING"], ["3", "cup", "TRACKING"]
    ]  # fmt: skip
    for who, line in enumerate(last):
        assert overlap(tuple(map(float, line[4:])), party.box(who, 9)) > 0.5


def test_yolo_adapter():
    """yolo_ros' message by its fields, as yolo_msgs defines them."""
    pytest.importorskip("vision_msgs")
    from std_msgs.msg import Header

    spec = importlib.util.spec_from_file_location("yolo_adapter", EXAMPLES / "yolo_adapter.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    centre = SimpleNamespace(position=SimpleNamespace(x=60.0, y=40.0), theta=0.1)
    bbox = SimpleNamespace(center=centre, size=SimpleNamespace(x=20.0, y=30.0))
    found = SimpleNamespace(class_id=0, class_name="person", score=0.8, id="7", bbox=bbox)
    header = Header(frame_id="camera")
    array = module.adapt(SimpleNamespace(header=header, detections=[found]))
    (one,) = array.detections
    assert array.header == one.header == header
    assert detection_to_box(one) == (50.0, 25.0, 20.0, 30.0)
    assert (one.id, one.results[0].hypothesis.class_id) == ("7", "person")
    assert one.results[0].hypothesis.score == 0.8
