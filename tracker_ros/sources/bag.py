"""Images and ground truth of rosbag2 recordings (sqlite3 and mcap), without ROS."""

import functools
import itertools
import logging
import struct
from collections.abc import Iterator
from pathlib import Path

from tracker_ros.conversions import to_bgr
from tracker_ros.core.errors import SourceError, TrackerError
from tracker_ros.sources.base import Frame, Source
from tracker_ros.sources.recording import Recording
from tracker_ros.sources.typestore import typestore_for

logger = logging.getLogger(__name__)

IMAGE = "sensor_msgs/msg/Image"
COMPRESSED = "sensor_msgs/msg/CompressedImage"
TRUTH = "vision_msgs/msg/Detection2DArray"


class BagSource(Source):
    """The images of one topic of a bag, in the order of recording.

    Truth is the bag's Detection2DArray topic (among several the one with "truth" in its name):
    the first detection of the message with the image's stamp, NaN if that message is empty.
    """

    def __init__(
        self, path: Path, topic: str | None = None, rate: float | None = None, loop: bool = False
    ):
        super().__init__(str(path), rate, loop)
        self._bag = Recording(path)
        self._image = self._choose(topic)
        self.topic = self._image.topic
        self.length = self._image.msgcount if self._bag.intact else None
        self._rate = rate

    def _choose(self, topic: str | None):
        images = {
            name: c for name, c in self._bag.connections.items() if c.msgtype in (IMAGE, COMPRESSED)
        }
        listed = ", ".join(sorted(images))
        if not images:
            raise SourceError(
                f"{self.name} has no image topic, only"
                f" {', '.join(sorted(self._bag.connections)) or 'nothing at all'}"
            )
        if topic is None and len(images) > 1:
            raise SourceError(f"{self.name} has {len(images)} image topics, choose one: {listed}")
        if topic is not None and topic not in images:
            raise SourceError(f"{self.name} has no image topic {topic!r}; it has: {listed}")
        return images[topic] if topic else next(iter(images.values()))

    @functools.cached_property
    def fps(self) -> float | None:
        """Frames per second by the median distance of the first stamps."""
        if self._rate:
            return self._rate
        stamps = []
        for log_time, data in self._bag.messages(self.topic):
            stamps.append(_stamp(data, log_time))
            if len(stamps) == 30:
                break
        gaps = sorted(b - a for a, b in itertools.pairwise(stamps))
        gap = gaps[len(gaps) // 2] if gaps else 0
        return 1e9 / gap if gap > 0 else None

    @functools.cached_property
    def truth(self) -> dict[int, tuple[float, float, float, float]] | None:
        topics = [name for name, c in self._bag.connections.items() if c.msgtype == TRUTH]
        if len(topics) > 1:
            topics = [name for name in topics if "truth" in name]
        if len(topics) != 1:
            return None
        store = typestore_for(self._bag.connections[topics[0]])
        boxes = {}
        for log_time, data in self._bag.messages(topics[0]):
            message = self._deserialize(store, data, TRUTH, topics[0])
            if message is not None:
                boxes[_stamp(data, log_time)] = _box(message.detections)
        stamps = [_stamp(data, log_time) for log_time, data in self._bag.messages(self.topic)]
        return {i: boxes[stamp] for i, stamp in enumerate(stamps) if stamp in boxes}

    def _deserialize(self, store, data: bytes, msgtype: str, topic: str):
        try:
            return store.deserialize_cdr(data, msgtype)
        except Exception as error:  # damaged bytes raise anything from rosbags' generated code
            logger.warning(
                "%s: a message on %s is damaged (%s: %s)",
                self.name,
                topic,
                type(error).__name__,
                error,
            )
            return None

    def _read(self) -> Iterator[Frame]:
        store = typestore_for(self._image)
        skipped, reason, index = 0, "", -1
        for index, (log_time, data) in enumerate(self._bag.messages(self.topic)):
            message = self._deserialize(store, data, self._image.msgtype, self.topic)
            try:
                if message is None:
                    raise SourceError("damaged message")
                image = to_bgr(message)
            except TrackerError as error:
                skipped, reason = skipped + 1, reason or str(error)
                continue
            yield Frame(_stamp(data, log_time), image, f"{self.topic}#{index}", index)
        if skipped and skipped == index + 1:
            raise SourceError(
                f"none of the {skipped} images on {self.topic} of {self.name} can be read: {reason}"
            )
        if skipped:
            logger.warning(
                "%s: %d of %d images on %s cannot be read and were skipped: %s",
                self.name,
                skipped,
                index + 1,
                self.topic,
                reason,
            )


def _stamp(data: bytes, log_time: int) -> int:
    """The header stamp (ns) at the start of a CDR message; the log time where it is not set.

    Read from the bytes, because decoding whole images to learn their stamps is slow.
    """
    if len(data) < 12:
        return log_time
    seconds, nanoseconds = struct.unpack_from("<iI" if data[1] & 1 else ">iI", data, 4)
    return seconds * 1_000_000_000 + nanoseconds or log_time


def _box(detections) -> tuple[float, float, float, float]:
    if not len(detections):
        return (float("nan"),) * 4
    box = detections[0].bbox
    center = getattr(box.center, "position", box.center)  # vision_msgs before Humble: Pose2D
    return (center.x - box.size_x / 2, center.y - box.size_y / 2, box.size_x, box.size_y)
