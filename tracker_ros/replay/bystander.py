"""A bystander of the synthetic clip: names its cups to the tracker, plays a faulty detector."""

from collections.abc import Callable

import numpy as np

from ..datasets.synthetic.clip import HEIGHT, WIDTH, SyntheticClip
from .recorder import Topics
from .summary import Box

CUPS = (0, 2, 3, 4)  # of the clip: the target and the look-alikes that the first frame shows
CLASSES = ("red cup", "orange cup", "blue cup", "green cup", "pink cup")  # of all cups of the clip
EVERY = 3  # the detector takes so long that it misses the frames between
SEEN = 0.5  # share of a cup that must be visible
MISSED, FALSE_ALARMS = 0.2, 0.5  # chance a cup, mean number an image
JITTER = 0.05  # of a box's place and size, in units of its sides (1 sigma)


def name_of(cup: int) -> str:
    """The id that a cup gets."""
    return f"cup {CUPS.index(cup) + 1}"


def detect(clip: SyntheticClip, index: int) -> list[tuple[Box, str, float]]:
    """What the detector takes for cups in a frame: box, class, score; the same every time."""
    random = np.random.default_rng((7, index))
    found = []
    for cup in range(clip.cups):
        if clip.visible(index, cup) < SEEN or random.random() < MISSED:
            continue
        x, y, w, h = clip.truth(index, cup)
        dx, dy, dw, dh = JITTER * random.normal(size=4)
        box = (x + dx * w, y + dy * h, w * (1 + dw), h * (1 + dh))
        found.append((box, CLASSES[cup], 0.9))
    for _ in range(random.poisson(FALSE_ALARMS)):
        side = random.uniform(30, 90)
        x, y = random.uniform(0, WIDTH - side), random.uniform(0, HEIGHT - side)
        found.append(((x, y, side, side), str(random.choice(CLASSES)), 0.6))
    return found


def bystander(clip: SyntheticClip, count: int) -> Callable:
    """For ``session.play``: starts ``count`` targets on the first image, then detects."""

    def join(node, topics: Topics) -> Callable[[int, int], None]:
        from std_msgs.msg import Header
        from vision_msgs.msg import Detection2DArray

        from ..conversions import box_to_detection, ns_to_stamp
        from ..nodes import qos

        starts = node.create_publisher(
            Detection2DArray, f"{topics.tracker}/init_targets", qos.RELIABLE
        )
        detections = node.create_publisher(
            Detection2DArray, f"{topics.namespace}/detections", qos.RELIABLE
        )

        def on_image(index: int, stamp: int) -> None:
            header = Header(stamp=ns_to_stamp(stamp), frame_id="camera")
            if index == 0:
                boxes = [
                    box_to_detection(clip.truth(0, cup), header, name_of(cup), CLASSES[cup])
                    for cup in CUPS[:count]
                ]
                starts.publish(Detection2DArray(header=header, detections=boxes))
            elif index % EVERY == 0 and index < clip.length:
                boxes = [
                    box_to_detection(box, header, "", class_id, score)
                    for box, class_id, score in detect(clip, index)
                ]
                detections.publish(Detection2DArray(header=header, detections=boxes))

        return on_image

    return join
