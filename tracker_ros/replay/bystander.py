"""A bystander of the synthetic clip: names its cups to the tracker, plays a faulty detector."""

from collections.abc import Callable

import numpy as np

from ..conversions.boxes import box_to_detection
from ..conversions.stamps import ns_to_stamp
from ..core.geometry.boxes import Box
from ..datasets.synthetic.clip import HEIGHT, WIDTH, SyntheticClip
from .recorder import Topics

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

    def starts(header) -> list:
        return [
            box_to_detection(clip.truth(0, cup), header, name_of(cup), CLASSES[cup])
            for cup in CUPS[:count]
        ]

    def detections(index: int, header) -> list | None:
        if index % EVERY or index >= clip.length:
            return None
        found = detect(clip, index)
        return [box_to_detection(box, header, "", kind, score) for box, kind, score in found]

    return publishing(starts, detections)


def publishing(
    starts: Callable[[object], list],
    detections: Callable[[int, object], list | None] = lambda index, header: None,
) -> Callable:
    """For ``session.play``: what is published of each image's index and header.

    starts: of the first image, to ``init_targets``. detections: of later ones, None for nothing.
    """

    def join(node, topics: Topics) -> Callable[[int, int], None]:
        from std_msgs.msg import Header
        from vision_msgs.msg import Detection2DArray

        from ..nodes import qos

        def publisher(topic: str):
            return node.create_publisher(Detection2DArray, topic, qos.RELIABLE)

        to_start = publisher(f"{topics.tracker}/init_targets")
        to_detect = publisher(f"{topics.namespace}/detections")

        def on_image(index: int, stamp: int) -> None:
            header = Header(stamp=ns_to_stamp(stamp), frame_id="camera")
            found = detections(index, header) if index else starts(header)
            if found is not None:
                array = Detection2DArray(header=header, detections=found)
                (to_detect if index else to_start).publish(array)

        return on_image

    return join
