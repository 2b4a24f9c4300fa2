"""Messages and bags as cameras and labellers record them."""

import cv2
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer

from tracker_ros.conversions.boxes import box_to_detection
from tracker_ros.conversions.images import bgr_to_image
from tracker_ros.conversions.stamps import ns_to_stamp
from tracker_ros.sources.bag.typestore import bag_message as make
from tracker_ros.sources.bag.typestore import default_typestore

START, PERIOD = 1_700_000_000_000_000_000, 40_000_000  # ns
DELAY = 1_000_000  # ns from stamp to recording


def header(index, frame_id="camera"):
    stamp = ns_to_stamp(START + index * PERIOD, make)
    return make("std_msgs/msg/Header", stamp=stamp, frame_id=frame_id)


def image(picture, index):
    return bgr_to_image(picture, header(index), make)


def compressed(picture, index):
    data = cv2.imencode(".png", picture)[1].reshape(-1)
    return make("sensor_msgs/msg/CompressedImage", header=header(index), format="png", data=data)


def truth(index, *detections):
    return make(
        "vision_msgs/msg/Detection2DArray", header=header(index), detections=list(detections)
    )


def detection(box, index, name="", theta=0.0):
    made = box_to_detection(box, header(index), name, make=make)
    made.bbox.center.theta = theta
    return made


def write_bag(path, topics, storage="mcap", compression="none"):
    """Write topic -> messages, recorded in step; returns the bag's folder."""
    store = default_typestore()
    writer = Writer(path, version=9, storage_plugin=StoragePlugin[storage.upper()])
    writer.set_compression(CompressionMode[compression.upper()], CompressionFormat.ZSTD)
    with writer:
        for topic, messages in topics.items():
            kind = messages[0].__msgtype__
            connection = writer.add_connection(topic, kind, typestore=store)
            for place, message in enumerate(messages):
                time = START + place * PERIOD + DELAY
                writer.write(connection, time, store.serialize_cdr(message, kind))
    return path
