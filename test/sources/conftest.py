"""Tiny videos, folders and bags, written by the tests that read them."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer

from tracker_ros.sources.bag.typestore import default_typestore

PERIOD = 40_000_000  # ns, 25 frames/s
START = 1_700_000_000_000_000_000


@pytest.fixture
def pictures():
    """Make N smooth pictures of 48x64 pixels; the mean of each tells its index."""

    def make(count=6):
        ramp = np.linspace(0, 20, 64, dtype=np.uint8)
        return [
            np.repeat((ramp + 20 * (i % 12))[None, :, None], 48, 0).repeat(3, 2)
            for i in range(count)
        ]

    return make


@pytest.fixture
def video(tmp_path, pictures):
    def write(count=6, fps=25, name="clip.avi", codec="MJPG"):
        path = tmp_path / name
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), fps, (64, 48))
        for picture in pictures(count):
            writer.write(picture)
        writer.release()
        return path

    return write


@pytest.fixture
def otb(tmp_path, pictures):
    def write(truth, count=3, name="sequence"):
        folder = tmp_path / name
        (folder / "img").mkdir(parents=True)
        for i, picture in enumerate(pictures(count), 1):
            cv2.imwrite(str(folder / "img" / f"{i:04}.jpg"), picture)
        if truth is not None:
            (folder / "groundtruth_rect.txt").write_text(truth)
        return folder

    return write


@pytest.fixture
def messages():
    """Makers of ROS messages: .image(picture, index), .compressed, .truth(box or None, index)."""
    types = default_typestore().types

    def header(index):
        seconds, rest = divmod(START + index * PERIOD, 1_000_000_000)
        time = types["builtin_interfaces/msg/Time"](sec=seconds, nanosec=rest)
        return types["std_msgs/msg/Header"](stamp=time, frame_id="camera")

    def image(picture, index):
        height, width = picture.shape[:2]
        return types["sensor_msgs/msg/Image"](
            header=header(index),
            height=height,
            width=width,
            encoding="bgr8",
            is_bigendian=0,
            step=width * 3,
            data=picture.reshape(-1),
        )

    def compressed(picture, index):
        data = cv2.imencode(".png", picture)[1].reshape(-1)
        return types["sensor_msgs/msg/CompressedImage"](
            header=header(index), format="png", data=data
        )

    def truth(box, index, theta=0.0):
        vision = {
            name.rsplit("/", 1)[1]: t
            for name, t in types.items()
            if name.startswith("vision_msgs/")
        }
        detections = []
        if box is not None:
            x, y, w, h = box
            center = vision["Pose2D"](vision["Point2D"](x + w / 2, y + h / 2), theta)
            bbox = vision["BoundingBox2D"](center, w, h)
            detections = [vision["Detection2D"](header(index), results=[], bbox=bbox, id="")]
        return vision["Detection2DArray"](header=header(index), detections=detections)

    return SimpleNamespace(image=image, compressed=compressed, truth=truth)


@pytest.fixture
def bag(tmp_path, pictures):
    """Write a bag: topic -> list of messages, recorded in step; returns its directory."""

    def write(topics, storage="mcap", name="bag", compression="none"):
        store = default_typestore()
        path = tmp_path / name
        writer = Writer(path, version=9, storage_plugin=StoragePlugin[storage.upper()])
        writer.set_compression(CompressionMode[compression.upper()], CompressionFormat.ZSTD)
        with writer:
            for topic, messages in topics.items():
                msgtype = messages[0].__msgtype__
                connection = writer.add_connection(topic, msgtype, typestore=store)
                for i, message in enumerate(messages):
                    data = store.serialize_cdr(message, msgtype)
                    writer.write(connection, START + i * PERIOD + 1000, data)
        return path

    return write
