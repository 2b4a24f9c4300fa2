"""Latency and rate of the real nodes over DDS, from image message to detection message."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from ..conversions.boxes import box_to_detection
from ..conversions.images import bgr_to_image
from ..conversions.stamps import ns_to_stamp
from ..core.geometry.boxes import Box
from ..evaluation.metrics import percentiles
from ..evaluation.speed.sweeps import side_by_side
from ..sources.bag.source import IMAGE
from ..sources.bag.typestore import bag_message as make
from ..sources.bag.writer import BagWriter
from . import session, summary
from .bystander import publishing
from .recorder import Recorder

# Images a second (None: as fast as they are answered, one at a time), and targets.
RATES = ((30.0, 1), (30.0, 4), (60.0, 1), (None, 1))
PATIENCE = 60.0  # seconds for an answer, on a machine busy with other things
SECONDS = 6.0  # played at each rate, as far as the images are enough


def through_node(
    images: list[np.ndarray],
    box: Box,
    tracker: dict[str, object],
    folder: Path,
    on_rate: Callable[[], object],
) -> dict[str, dict]:
    """Play the images to a tracker node at every rate. What is measured goes into ``folder``.

    tracker: parameters of the node. Returns for "30 frames/s" and so on {"images", "dropped",
    "fps" (of answered images), "latency_ms" and "publish_ms" ({"p50", "p99"}), "startup_s", "cores"
    and "memory_mib" (of the tracker's process; the latter two are None in a run too short for its
    diagnostics)}. latency_ms: from before the image is published until its detections are received.
    startup_s: from the beginning of the process until the node is active with a warm model.
    """
    measured = {}
    for rate, targets in RATES:
        name = f"{rate:g} frames/s" if rate else "in turn"
        name += f", {targets} targets" if targets > 1 else ""
        count = len(images) if rate is None else min(len(images), round(SECONDS * rate))
        source = folder / f"{count} images"
        if not source.exists():
            _write(images[:count], source)
        player = {"source": str(source), "image_transport": "raw"}
        player |= {"rate": rate or 0.0}
        beside = None
        if targets > 1:
            places = side_by_side(box, images[0].shape[1], targets)
            beside = publishing(partial(_detections, places))
        else:
            player |= {"init_bbox": ",".join(map(str, box))}
        if rate is None:
            player |= {"mode": "acknowledged", "acknowledge_timeout": PATIENCE}
        parameters = tracker | {"image_transport": "raw", "max_targets": targets}
        logs = folder / f"log {name}"
        played = session.play(player, parameters, None, logs, bystander=beside)
        measured[name] = _summary(played)
        on_rate()
    return measured


def _detections(boxes: list[Box], header) -> list:
    return [box_to_detection(box, header) for box in boxes]


def _write(images: list[np.ndarray], path: Path) -> None:
    with BagWriter(path, {"/image": IMAGE}) as bag:
        for index, image in enumerate(images):
            stamp = 1_000_000_000 + round(index * 1e9 / 30)
            header = make("std_msgs/msg/Header", stamp=ns_to_stamp(stamp, make))
            bag.write("/image", stamp, bgr_to_image(image, header, make))


def _summary(played: Recorder) -> dict:
    images = len(played.stamps)
    numbers = summary.summarise(images, played.outputs(), None)
    busy = [use for use in played.usage if 0 < use.images < images]
    return {
        "images": images,
        "dropped": numbers["dropped_frames"],
        "fps": numbers["frames_per_second"],
        "latency_ms": {"p50": numbers["latency_p50_ms"], "p99": numbers["latency_p99_ms"]},
        "publish_ms": percentiles(played.publish_ms),
        "startup_s": played.usage[-1].startup,
        "cores": float(np.median([use.cores for use in busy])) if busy else None,
        "memory_mib": max(use.memory_mib for use in busy) if busy else None,
    }
