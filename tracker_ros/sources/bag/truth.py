"""True boxes of one target, on a Detection2DArray topic of a recording."""

import math
from typing import Any

from ...conversions.boxes import UPRIGHT
from ...conversions.stamps import seconds
from ...core.errors import SourceError
from ...core.geometry.boxes import ABSENT, Box
from .recording import Recording
from .typestore import deserialize, header_stamp, typestore_for

TRUTH = "vision_msgs/msg/Detection2DArray"


def read_boxes(recording: Recording, topic: str) -> dict[int, Box]:
    """Stamp (ns) -> box of one target on a Detection2DArray topic, NaN where it is absent.

    The target is the first detection there is, then those with its id. Raises SourceError if
    there is no such topic, or where nothing tells one of several boxes of a message or a stamp
    from the others.
    """
    connection = recording.connections.get(topic)
    if connection is None or connection.msgtype != TRUTH:
        raise SourceError(f"{recording.path} has no topic {topic!r} of type {TRUTH}")
    store, target, boxes, reasons = typestore_for(connection), None, {}, []
    for log_time, data in recording.messages(topic):
        try:
            found = deserialize(store, data, TRUTH).detections
        except SourceError as error:
            reasons.append(str(error))
            continue
        if target is None and len(found):
            target = found[0].id
        found = [each for each in found if each.id == target]
        if len(found) > 1:
            which = f"of the id {target!r}" if target else "without ids"
            raise SourceError(
                f"{recording.path}: a message on {topic} has {len(found)} boxes {which}, which is"
                " no truth about one target"
            )
        try:
            stamp, box = header_stamp(data, log_time), _box(found[0]) if len(found) else ABSENT
        except SourceError as error:
            reasons.append(str(error))
            continue
        if not _same(boxes.setdefault(stamp, box), box):
            raise SourceError(
                f"{recording.path}: {topic} has two boxes for the stamp {seconds(stamp)}, which is"
                " no truth about one target"
            )
    if reasons:
        count = f"{len(reasons)} of {len(reasons) + len(boxes)} messages on {topic}"
        recording.warn(f"{recording.path}: {count} cannot be used: {reasons[0]}")
    return boxes


def _box(detection: Any) -> Box:
    box, turn = detection.bbox, detection.bbox.center.theta
    if not (math.isfinite(turn) and abs(math.remainder(turn, math.pi)) <= UPRIGHT):
        raise SourceError(f"a box rotated by {turn:g} rad is no truth about an upright one")
    center = getattr(box.center, "position", box.center)  # vision_msgs before Humble: Pose2D
    found = (center.x - box.size_x / 2, center.y - box.size_y / 2, box.size_x, box.size_y)
    return found if all(map(math.isfinite, found)) and min(found[2:]) > 0 else ABSENT


def _same(a: Box, b: Box) -> bool:
    """Whether both are one box, or both say that the target is absent."""
    return a == b or (math.isnan(a[0]) and math.isnan(b[0]))
