"""Times trackers on the same frames in one run, taking turns, so that they share conditions."""

import time
from collections import defaultdict
from collections.abc import Callable

import numpy as np

from ...core.geometry.boxes import Box
from ...core.trackable import Trackable
from ...core.tracker import Tracker
from ..metrics import percentiles

BLOCK = 25  # frames at a stretch, so that idle threads of one engine do not disturb the next
# The first of these are not counted. A camera never pauses, but here each waits for the others, and
# what the caches, or a virtual machine's host, have let go by then can cost ten times a frame.
WARMING = 5


def measure(
    trackers: dict[str, Trackable],
    images: list[np.ndarray],
    box: Box,
    on_frame: Callable[[], object] = lambda: None,
) -> dict[str, dict]:
    """Start every tracker on ``box`` in the first image and time it on the others.

    images: uint8 [H, W, 3] BGR, more than BLOCK of them; the first BLOCK warm up and are not
    counted, nor are the first WARMING of every later turn. Returns for each tracker {"frames",
    "fps", "ms", "processor_ms", "stages": {stage: ms}}, where ms is {"p50", "p99"} in milliseconds.
    processor_ms is the mean processor time of a frame, of all threads: other work on the machine
    hardly changes it. The stages are ``Result.timings``, "box" (from the image to the box, their
    sum) and "remember", which comes after the box of frames that are memorised, if any were; a peer
    has none. Each has its "share" of all frames' time, too. What is still being learned when a
    tracker's turn ends, one lesson in BLOCK frames at most, goes on beside the next one's first.
    """
    times = {name: defaultdict(list) for name in trackers}
    used = dict.fromkeys(trackers, 0.0)
    for tracker in trackers.values():
        tracker.init(images[0], box)
        on_frame()
    for start in range(0, len(images), BLOCK):
        for name, tracker in trackers.items():
            for place, frame in enumerate(images[max(start, 1) : start + BLOCK]):
                # Each gets it as a camera does, just written; else the first one would have to
                # fetch it from memory, and the others find it in the processor's cache.
                image = frame.copy()
                before = time.process_time()
                stages = timed(tracker, image)
                if start and place >= WARMING:
                    used[name] += time.process_time() - before
                    for stage, milliseconds in stages.items():
                        times[name][stage].append(milliseconds)
                on_frame()
    return {name: _summary(stages, used[name]) for name, stages in times.items()}


def timed(tracker: Trackable, image: np.ndarray) -> dict[str, float]:
    """Milliseconds of one frame, as "frame", and of its stages."""
    begin = time.perf_counter()
    if not isinstance(tracker, Tracker):  # a peer
        tracker.update(image)
        return {"frame": 1e3 * (time.perf_counter() - begin)}
    result = tracker.locate(image)
    located = time.perf_counter()
    stages = {**result.timings, "box": 1e3 * (located - begin)}
    if tracker.pending:
        tracker.remember()
        stages["remember"] = 1e3 * (time.perf_counter() - located)
    return {"frame": stages["box"] + stages.get("remember", 0.0), **stages}


def _summary(stages: dict[str, list[float]], used: float) -> dict:
    frame = stages.pop("frame")
    return {
        "frames": len(frame),
        "fps": float(1e3 / np.mean(frame)),
        "ms": percentiles(frame),
        "processor_ms": 1e3 * used / len(frame),
        "stages": {
            name: {**percentiles(values), "share": float(np.sum(values) / np.sum(frame))}
            for name, values in stages.items()
        },
    }
