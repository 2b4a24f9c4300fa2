"""Small bags of a textured square that moves right, as cameras and labellers record them."""

import json
import os

import numpy as np
import pytest
from rosbags.rosbag2 import Reader

from test import bags
from test.domains import own_domain
from tracker_ros.sources.bag.typestore import default_typestore

SIZE = (60, 80)  # height, width


def picture(index, size=SIZE):
    image = np.full((*size, 3), 40, np.uint8)
    x = round(box(index)[0])
    texture = np.random.default_rng(0).integers(100, 255, (20, 20, 3), np.uint8)
    image[20:40, x : x + 20] = texture
    return image


def box(index):
    return (5.0 + index % 50, 20.0, 20.0, 20.0)


def image(index, size=SIZE):
    return bags.image(picture(index, size), index)


def png(index):
    return bags.compressed(picture(index), index)


def truth(index, here=None, *others):
    return bags.truth(index, bags.detection(here or box(index), index, "7"), *others)


@pytest.fixture
def write(tmp_path):
    """Write topic -> messages in step, as 1 ms after their place in the list; returns the bag."""

    def write(topics, storage="mcap", name="bag"):
        return bags.write_bag(tmp_path / name, topics, storage)

    return write


@pytest.fixture
def bag(write):
    """A bag of /camera/image, /truth and more, of that many frames."""

    def make_bag(count=8, storage="mcap", name="bag", **more):
        topics = {"/camera/image": [image(i) for i in range(count)]}
        return write(topics | {"/truth": [truth(i) for i in range(count)]} | more, storage, name)

    return make_bag


@pytest.fixture
def evaluate(tmp_path, capsys, caplog):
    """Run `tracker-ros evaluate` with OpenCV's KCF, which needs no model; see `Run`."""
    from tracker_ros.commands import main

    def run(path, *arguments, out="out", peer=True):
        arguments = [str(a) for a in (path, "--out", tmp_path / out, *arguments)]
        status = main(["evaluate", *arguments, *(["--peers-only", "--peer", "kcf"] * peer)])
        printed, complaints = capsys.readouterr()
        complaints += "".join(f"{record.message}\n" for record in caplog.records)
        caplog.clear()
        return Run(tmp_path / out, status, printed, complaints)

    return run


@pytest.fixture
def environment(tmp_path):
    """Of a ROS domain of its own, also for this process."""
    pytest.importorskip("rclpy")
    before = dict(os.environ)
    os.environ.update(own_domain())
    os.environ["ROS_LOG_DIR"] = str(tmp_path / "ros_log")
    yield os.environ
    os.environ.clear()
    os.environ.update(before)


class Run:
    """What an evaluation printed and wrote."""

    def __init__(self, folder, status, out, err):
        self.folder, self.status, self.out, self.err = folder, status, out, err

    def result(self, topic="/camera/image", tracker="kcf", bag="bag"):
        from tracker_ros.evaluation.results import SequenceResult

        return SequenceResult.load(self.path(".npz", topic, tracker, bag))

    def about(self, topic="/camera/image", tracker="kcf", bag="bag"):
        return json.loads(self.path(".json", topic, tracker, bag).read_text())

    def path(self, suffix, topic="/camera/image", tracker="kcf", bag="bag"):
        return self.folder / tracker / f"{bag}{topic.replace('/', '-')}{suffix}"


def read(path):
    """Topic -> (log time, CDR bytes) of a bag, topic -> decoded messages."""
    store = default_typestore()
    raw, decoded = {}, {}
    with Reader(path) as reader:
        for connection, time, data in reader.messages():
            raw.setdefault(connection.topic, []).append((time, data))
            message = store.deserialize_cdr(data, connection.msgtype)
            decoded.setdefault(connection.topic, []).append(message)
    return raw, decoded
