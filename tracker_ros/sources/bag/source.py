"""Images and ground truth of rosbag2 recordings (sqlite3 and mcap), without ROS."""

import bisect
import functools
import itertools
import math
import os
from collections.abc import Iterator
from pathlib import Path

from ...conversions.images import to_bgr
from ...core.errors import SourceError, TrackerError, some
from ...core.geometry.boxes import Box
from ..base import Frame, RecordedImage, Source
from .recording import Recording
from .truth import TRUTH, read_boxes
from .typestore import deserialize, header_stamp, typestore_for

IMAGE = "sensor_msgs/msg/Image"
COMPRESSED = "sensor_msgs/msg/CompressedImage"
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
    named most like the images, as ``truth.read_boxes`` and ``by_stamp`` read it.
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
            stamp = header_stamp(data, log_time)
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
            boxes = read_boxes(self.recording, self.truth_topic)
            return self.by_stamp(boxes, self.truth_topic) or None
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
                message = deserialize(store, data, self._image.msgtype)
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
