"""Writes rosbag2 recordings (mcap): the synthetic clip, and what the demo's nodes published."""

import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from tracker_ros.demo.clip import FPS, Clip

IMAGE_TOPIC, TRUTH_TOPIC = "/image/compressed", "/truth"
COMPRESSED_IMAGE = "sensor_msgs/msg/CompressedImage"
DETECTIONS = "vision_msgs/msg/Detection2DArray"
DIAGNOSTICS = "diagnostic_msgs/msg/DiagnosticArray"

_JPEG_QUALITY = 85
_FIRST_STAMP = 1_000_000_000  # ns; not 0, which in ROS means that there is no stamp


class BagWriter:
    """A new bag at `path` (replacing an older one) with the given topics, as a context manager.

    topics: name -> message type. `types` creates and serialises their messages.
    """

    def __init__(self, path: Path, topics: dict[str, str]):
        from rosbags.rosbag2 import StoragePlugin, Writer

        from tracker_ros.sources.typestore import default_typestore

        shutil.rmtree(path, ignore_errors=True)
        self.types = default_typestore()
        # Version 8 is what ROS 2 Iron wrote, and what the releases before and after read.
        self._writer = Writer(path, version=8, storage_plugin=StoragePlugin.MCAP)
        self._topics = topics
        self._connections = {}

    def __enter__(self) -> "BagWriter":
        self._writer.open()
        for topic, kind in self._topics.items():
            self._connections[topic] = self._writer.add_connection(
                topic, kind, typestore=self.types
            )
        return self

    def __exit__(self, *exc) -> None:
        self._writer.close()

    def write(self, topic: str, time_ns: int, message) -> None:
        """Writes a message of this bag's `types`, or the CDR bytes of one."""
        if not isinstance(message, bytes):
            message = self.types.serialize_cdr(message, self._topics[topic])
        self._writer.write(self._connections[topic], time_ns, message)


def write_clip(clip: Clip, path: Path, on_frame: Callable[[], object] = lambda: None) -> None:
    """Writes the clip's frames as JPEG with their truth; an empty array where it is hidden."""
    topics = {IMAGE_TOPIC: COMPRESSED_IMAGE, TRUTH_TOPIC: DETECTIONS}
    with BagWriter(path, topics) as bag:
        image_type = bag.types.types[COMPRESSED_IMAGE]
        for index in range(clip.length):
            stamp = _FIRST_STAMP + round(index * 1e9 / FPS)
            _, data = cv2.imencode(
                ".jpg", clip.render(index), (cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY)
            )
            header = _header(bag.types, stamp)
            image = image_type(header, "bgr8; jpeg compressed bgr8", data.ravel())
            bag.write(IMAGE_TOPIC, stamp, image)
            bag.write(TRUTH_TOPIC, stamp, _truth(bag.types, header, clip.truth(index)))
            on_frame()


def _header(types, stamp: int):
    time = types.types["builtin_interfaces/msg/Time"](*divmod(stamp, 1_000_000_000))
    return types.types["std_msgs/msg/Header"](time, "camera")


def _truth(types, header, box: tuple[float, float, float, float] | None):
    make = types.types
    if box is None:
        return make[DETECTIONS](header, [])
    x, y, w, h = box
    vision = {name: make[f"vision_msgs/msg/{name}"] for name in (
        "Point2D", "Pose2D", "BoundingBox2D", "Detection2D",
        "ObjectHypothesis", "ObjectHypothesisWithPose",
    )}  # fmt: skip
    centre = vision["Pose2D"](vision["Point2D"](x + w / 2, y + h / 2), 0.0)
    pose = make["geometry_msgs/msg/PoseWithCovariance"](
        make["geometry_msgs/msg/Pose"](
            make["geometry_msgs/msg/Point"](0.0, 0.0, 0.0),
            make["geometry_msgs/msg/Quaternion"](0.0, 0.0, 0.0, 1.0),
        ),
        np.zeros(36),
    )
    hypothesis = vision["ObjectHypothesisWithPose"](vision["ObjectHypothesis"]("cup", 1.0), pose)
    detection = vision["Detection2D"](
        header, [hypothesis], vision["BoundingBox2D"](centre, w, h), "target"
    )
    return make[DETECTIONS](header, [detection])
