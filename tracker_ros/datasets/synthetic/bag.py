"""Writes the synthetic clip as a rosbag2 recording."""

from collections.abc import Callable
from pathlib import Path

from ...conversions.boxes import box_to_detection
from ...conversions.images import bgr_to_compressed
from ...conversions.stamps import ns_to_stamp
from ...sources.bag.source import COMPRESSED
from ...sources.bag.truth import TRUTH
from ...sources.bag.writer import BagWriter
from .clip import FPS, SyntheticClip

IMAGE_TOPIC, TRUTH_TOPIC = "/image/compressed", "/truth"

_JPEG_QUALITY = 85
_FIRST_STAMP = 1_000_000_000  # ns; not 0, which in ROS means that there is no stamp


def write_clip(
    clip: SyntheticClip, path: Path, on_frame: Callable[[], object] = lambda: None
) -> None:
    """Writes the clip's frames as JPEG with their truth; an empty array where it is hidden."""
    from ...sources.bag.typestore import bag_message as make

    with BagWriter(path, {IMAGE_TOPIC: COMPRESSED, TRUTH_TOPIC: TRUTH}) as bag:
        for index in range(clip.length):
            stamp = _FIRST_STAMP + round(index * 1e9 / FPS)
            header = make("std_msgs/msg/Header", stamp=ns_to_stamp(stamp, make), frame_id="camera")
            image = bgr_to_compressed(clip.render(index), header, _JPEG_QUALITY, make)
            bag.write(IMAGE_TOPIC, stamp, image)
            box = clip.truth(index)
            found = [box_to_detection(box, header, "target", "cup", make=make)] if box else []
            bag.write(TRUTH_TOPIC, stamp, make(TRUTH, header=header, detections=found))
            on_frame()
