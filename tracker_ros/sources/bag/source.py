"""Images and ground truth of rosbag2 recordings (sqlite3 and mcap), without ROS."""

import bisect
import functools
import itertools
import math
import os
import struct
from collections.abc import Iterator
from pathlib import Path

from ...conversions import UPRIGHT, seconds, to_bgr
from ...core.errors import SourceError, TrackerError, some
from ...core.geometry.boxes import ABSENT, Box
from ..base import Frame, RecordedImage, Source
from .recording import Recording
from .typestore import typestore_for

IMAGE = "sensor_msgs/msg/Image"
COMPRESSED = "sensor_msgs/msg/CompressedImage"
TRUTH = "vision_msgs/msg/Detection2DArray"
DEPTH = "/compressedDepth"  # image_transport's: CompressedImage by its type, but no picture
# An image is waited for while no more images and nanoseconds than these were recorded before it
# and are later by their stamps.
LATE, LATE_NS = 30, 500_000_000
GAP = 5  # periods


def image_topics(recording: Recording) -> list[str]:
    """The topics of images, sorted. Raises SourceError if there is none."""
    topics = recording.connections
    found = sorted(
        name
        for name, c in topics.items()
        if c.msgtype in (IMAGE, COMPRESSED) and not name.endswith(DEPTH)
    )
    if not found:
        only = f"no image topic, only {some(sorted(topics))}" if topics else "no topic at all"
        raise SourceError(f"{recording.path} has {only}")
    return found


class BagSource(Source):
    """The images of one topic of a bag, in the order of their stamps.

    An image recorded too late to wait for (see LATE) begins a new pass: time jumps back there.
    Truth is the bag's Detection2DArray topic with "truth" in its name, of several the one that is
    named most like the images, as ``boxes`` and ``by_stamp`` read it.
    ``recording``: the bag, where it is open already.
    """

    def __init__(
        self,
        path: Path,
        topic: str | None = None,
        rate: float | None = None,
        loop: bool = False,
        recording: Recording | None = None,
    ):
        super().__init__(str(path), rate, loop)
        self.recording = recording or Recording(path)
        self.topic = self._choose(topic)
        self._image = self.recording.connections[self.topic]

    def _choose(self, topic: str | None) -> str:
        topics = image_topics(self.recording)
        listed = some(topics, most=20)
        if topic is None and len(topics) > 1:
            raise SourceError(f"{self.name} has {len(topics)} image topics, choose one: {listed}")
        if topic is not None and topic not in topics:
            raise SourceError(f"{self.name} has no image topic {topic!r}; it has: {listed}")
        return topic or topics[0]

    @functools.cached_property
    def _order(self) -> list[tuple[int, int, int]]:
        """Pass, stamp (ns) and place in the recording of each image, in the order of playing."""
        order, seen, number = [], [], 0
        for place, (log_time, data) in enumerate(self.recording.messages(self.topic)):
            stamp = _stamp(data, log_time)
            late = len(seen) - bisect.bisect_right(seen, stamp)
            if late > LATE or (late and seen[-1] - stamp > LATE_NS):
                seen, number = [], number + 1
            bisect.insort(seen, stamp)
            order.append((number, stamp, place))
        return sorted(order)

    @property
    def stamps(self) -> list[int]:
        """The header stamps (ns) in the order of playing; the log time where one is not set."""
        return [stamp for _, stamp, _ in self._order]

    @functools.cached_property
    def length(self) -> int:
        return len(self._order)

    @functools.cached_property
    def fps(self) -> float | None:
        """Frames per second by the median distance of the first stamps."""
        if self._rate:
            return self._rate
        gaps = sorted(b - a for a, b in itertools.pairwise(self.stamps[:30]))
        gap = gaps[len(gaps) // 2] if gaps else 0
        return 1e9 / gap if gap > 0 else None

    @functools.cached_property
    def truth_topics(self) -> list[str]:
        """Topics of boxes that are called truth, sorted.

        What a detector or a tracker found is of the same type, and must not be taken for it.
        """
        connections = self.recording.connections.items()
        return sorted(
            name for name, c in connections if c.msgtype == TRUTH and "truth" in name.lower()
        )

    @functools.cached_property
    def truth_topic(self) -> str | None:
        """The one of them with the longest name in common with the images, if only one is."""
        ours = f"/{self.topic}"  # some recorders leave the slash out
        shared = {
            topic: len(os.path.commonpath((f"/{topic}", ours))) for topic in self.truth_topics
        }
        best = [topic for topic, length in shared.items() if length == max(shared.values())]
        if len(best) > 1:
            self.recording.warn(
                f"{self.name}: the truth about {self.topic} may be on {' or '.join(best)};"
                " choose one with --truth of `evaluate`"
            )
        return best[0] if len(best) == 1 else None

    @functools.cached_property
    def truth(self) -> dict[int, Box] | None:
        if self.truth_topic is None:
            return None
        try:
            return self.by_stamp(self.boxes(self.truth_topic), self.truth_topic) or None
        except SourceError as error:
            self.recording.warn(str(error))
            return None

    @property
    def truth_origin(self) -> str | None:
        return self.truth_topic if self.truth is not None else None

    def by_stamp(self, boxes: dict[int, Box], origin: str) -> dict[int, Box]:
        """The box of each image by its stamp, or by the nearest within half a frame's period.

        Stamps in seconds do not survive a float exactly, and some labellers' clocks tick coarsely.

        Args:
            boxes: by stamp (ns).
            origin: what they are from, for a warning where some are of no image.
        Returns:
            Boxes by the index of their image.
        """
        near = 0.5e9 / self.fps if self.fps else 0.0
        places: dict[int, list[int]] = {}
        for index, stamp in enumerate(self.stamps):  # recordings may repeat stamps
            places.setdefault(stamp, []).append(index)
        stamps = sorted(places)
        nearest: dict[int, int] = {}  # stamp of an image -> of a box
        for stamp in boxes if stamps else ():
            at = bisect.bisect_left(stamps, stamp)
            image = min(stamps[max(at - 1, 0) : at + 1], key=lambda s: abs(s - stamp))
            if abs(image - stamp) <= min(near, abs(image - nearest.get(image, math.inf))):
                nearest[image] = stamp
        self.warn_of_missing(origin, len(boxes) - len(nearest), len(boxes))
        return {i: boxes[stamp] for image, stamp in sorted(nearest.items()) for i in places[image]}

    def warn_of_missing(self, origin: str, missing: int, count: int) -> None:
        """Name boxes that are of no image among the recording's problems."""
        if missing > 0:
            self.recording.warn(
                f"{self.name}: {missing} of {count} boxes of {origin} are of no image"
                f" on {self.topic}"
            )

    def boxes(self, topic: str) -> dict[int, Box]:
        """Stamp (ns) -> box of one target on a Detection2DArray topic, NaN where it is absent.

        The target is the first detection there is, then those with its id. Raises SourceError if
        there is no such topic, or where nothing tells one of several boxes of a message or a stamp
        from the others.
        """
        connection = self.recording.connections.get(topic)
        if connection is None or connection.msgtype != TRUTH:
            raise SourceError(f"{self.name} has no topic {topic!r} of type {TRUTH}")
        store, target, boxes, reasons = typestore_for(connection), None, {}, []
        for log_time, data in self.recording.messages(topic):
            try:
                found = _deserialize(store, data, TRUTH).detections
            except SourceError as error:
                reasons.append(str(error))
                continue
            if target is not None:
                found = [each for each in found if each.id == target]
            elif len(found):
                target = found[0].id
                found = [each for each in found if each.id == target]
            if len(found) > 1:
                which = f"of the id {target!r}" if target else "without ids"
                raise SourceError(
                    f"{self.name}: a message on {topic} has {len(found)} boxes {which}, which is no"
                    " truth about one target"
                )
            try:
                stamp, box = _stamp(data, log_time), _box(found[0]) if len(found) else ABSENT
            except SourceError as error:
                reasons.append(str(error))
                continue
            if not _same(boxes.setdefault(stamp, box), box):
                raise SourceError(
                    f"{self.name}: {topic} has two boxes for the stamp {seconds(stamp)}, which is"
                    " no truth about one target"
                )
        if reasons:
            count = f"{len(reasons)} of {len(reasons) + len(boxes)} messages on {topic}"
            self.recording.warn(f"{self.name}: {count} cannot be used: {reasons[0]}")
        return boxes

    def warn_of_stamps(self) -> None:
        """Name jumps back, repetitions and gaps in time among the recording's problems."""
        order = self._order
        late, newest = 0, {}
        for number, stamp, _ in sorted(order, key=lambda item: item[2]):
            newest[number] = max(newest.get(number, stamp), stamp)
            late += stamp < newest[number]
        jumps = order[-1][0] if order else 0
        steps = [b[1] - a[1] for a, b in itertools.pairwise(order) if a[0] == b[0]]
        rising = sorted(step for step in steps if step > 0)
        period = rising[len(rising) // 2] if rising else 0
        gaps = [step for step in rising if step > GAP * period]
        for count, what, more in (
            (late, "images recorded after later ones", "; they are put in order"),
            (jumps, "jumps of the stamps far back", "; the recording's order is kept there"),
            (steps.count(0), "images with the stamp of the one before", ""),
            (len(gaps), "gaps in time", f", the longest of {max(gaps, default=0) / 1e9:.6g} s"),
        ):
            if count:
                self.recording.warn(f"{self.name}, {self.topic}: {what}: {count}{more}")

    def _read(self) -> Iterator[Frame]:
        store = typestore_for(self._image)
        reasons = []
        for index, log_time, data in self._in_order():
            try:
                message = _deserialize(store, data, self._image.msgtype)
                image = to_bgr(message, self.levels)
            except TrackerError as error:
                reasons.append(str(error))
                continue
            stamp = self._order[index][1]
            recorded = RecordedImage(data, log_time, message)
            yield Frame(stamp, image, f"{self.topic}#{index}", index, recorded)
        if not reasons:
            return
        if len(reasons) == self.length:
            raise SourceError(
                f"none of the {self.length} images on {self.topic} of {self.name} can be read:"
                f" {reasons[0]}"
            )
        self.recording.warn(
            f"{self.name}: {len(reasons)} of {self.length} images on {self.topic} cannot be read"
            f" and were skipped: {reasons[0]}"
        )

    def _in_order(self) -> Iterator[tuple[int, int, bytes]]:
        """Index, log time and bytes of each image; holds back at most LATE of them."""
        ranks = [0] * self.length
        for index, (_, _, place) in enumerate(self._order):
            ranks[place] = index
        waiting: dict[int, tuple[int, bytes]] = {}
        turn = 0
        # A bag that is still being recorded has more messages by now.
        for rank, recorded in zip(ranks, self.recording.messages(self.topic), strict=False):
            waiting[rank] = recorded
            while turn in waiting:
                yield turn, *waiting.pop(turn)
                turn += 1


def _deserialize(store, data: bytes, msgtype: str):
    try:
        return store.deserialize_cdr(data, msgtype)
    except Exception as error:  # damaged bytes raise anything from rosbags' generated code
        reason = " ".join(str(error).split())
        raise SourceError(f"damaged message ({type(error).__name__}: {reason})") from None


def _stamp(data: bytes, log_time: int) -> int:
    """The header stamp (ns) at the start of a CDR message; the log time where it is not set.

    Read from the bytes, because decoding whole images to learn their stamps is slow.
    """
    if len(data) < 12:
        return log_time
    seconds, nanoseconds = struct.unpack_from("<iI" if data[1] & 1 else ">iI", data, 4)
    return seconds * 1_000_000_000 + nanoseconds or log_time


def _box(detection) -> Box:
    box, turn = detection.bbox, detection.bbox.center.theta
    if not (math.isfinite(turn) and abs(math.remainder(turn, math.pi)) <= UPRIGHT):
        raise SourceError(f"a box rotated by {turn:g} rad is no truth about an upright one")
    center = getattr(box.center, "position", box.center)  # vision_msgs before Humble: Pose2D
    found = (center.x - box.size_x / 2, center.y - box.size_y / 2, box.size_x, box.size_y)
    return found if all(map(math.isfinite, found)) and min(found[2:]) > 0 else ABSENT


def _same(a: Box, b: Box) -> bool:
    """Whether both are one box, or both say that the target is absent."""
    return a == b or (math.isnan(a[0]) and math.isnan(b[0]))
