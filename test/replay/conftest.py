"""Small bags of a textured square that moves right, as cameras and labellers record them."""

import json

import cv2
import numpy as np
import pytest
from rosbags.rosbag2 import Reader, StoragePlugin, Writer

from tracker_ros.conversions import bgr_to_image, box_to_detection, ns_to_stamp
from tracker_ros.sources.bag.typestore import bag_message as make
from tracker_ros.sources.bag.typestore import default_typestore

START, PERIOD = 1_700_000_000_000_000_000, 40_000_000  # ns
SIZE = (60, 80)  # height, width


def picture(index, size=SIZE):
    image = np.full((*size, 3), 40, np.uint8)
    x = round(box(index)[0])
    texture = np.random.default_rng(0).integers(100, 255, (20, 20, 3), np.uint8)
    image[20:40, x : x + 20] = texture
    return image


def box(index):
    return (5.0 + index % 50, 20.0, 20.0, 20.0)


def header(index, frame_id="camera"):
    stamp = ns_to_stamp(START + index * PERIOD, make)
    return make("std_msgs/msg/Header", stamp=stamp, frame_id=frame_id)


def image(index, size=SIZE):
    return bgr_to_image(picture(index, size), header(index), make)


def png(index):
    data = cv2.imencode(".png", picture(index))[1].reshape(-1)
    return make("sensor_msgs/msg/CompressedImage", header=header(index), format="png", data=data)


def truth(index, here=None, *others):
    detections = [box_to_detection(here or box(index), header(index), "7", make=make), *others]
    return make("vision_msgs/msg/Detection2DArray", header=header(index), detections=detections)


@pytest.fixture
def write(tmp_path):
    """Write topic -> messages in step, as 1 ms after their place in the list; returns the bag."""

    def write(topics, storage="mcap", name="bag"):
        store, path = default_typestore(), tmp_path / name
        with Writer(path, version=8, storage_plugin=StoragePlugin[storage.upper()]) as writer:
            for topic, messages in topics.items():
                kind = messages[0].__msgtype__
                connection = writer.add_connection(topic, kind, typestore=store)
                for place, message in enumerate(messages):
                    time = START + place * PERIOD + 1_000_000
                    writer.write(connection, time, store.serialize_cdr(message, kind))
        return path

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
