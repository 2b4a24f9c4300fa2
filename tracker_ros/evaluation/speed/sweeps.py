"""Cost of a frame as images, memory, targets and sequences grow."""

import copy
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, cycle, islice
from pathlib import Path

import cv2
import numpy as np

from ...core.batch import update_all
from ...core.geometry.boxes import Box
from ...core.tracker import Tracker
from ...engines.models.files import MEMORY_NETWORKS
from ..metrics import percentiles
from .timing import timed

SIZES = ((640, 480), (1280, 720), (1920, 1080), (3840, 2160))  # width, height
SEGMENTS = (1, 2, 4, 8, 16, 32, 64)
TARGETS = (1, 2, 4, 8, 16)
LENGTHS = (10, 30, 100, 300, 1000)
FULL_LENGTHS = (*LENGTHS, 3000, 10_000, 30_000, 100_000)

# Frames in which parts of the background, which stand for further targets, stay in view; those that
# leave it get lost, and what is looked for costs more than what is followed.
IN_VIEW = 15

# The points of a sweep take turns, so that a busy moment does not hit one of them alone.
ROUNDS = 10
# At a stretch; the first of them warms up and is not counted. Of the others every third, whichever
# comes first, is memorised.
FRAMES = 7

# "x" and, in milliseconds for one image, "mean" (the median of the stretches' means: a busy moment
# does not count), "p50" and "p99"; and what else a sweep names.
Point = dict[str, float]


def image_sizes(tracker: Tracker, images: list[np.ndarray], box: Box) -> list[Point]:
    """Image and target enlarged alike; x: megapixels."""
    cases = []
    height, width = images[0].shape[:2]
    for size in SIZES:
        large = [cv2.resize(image, size) for image in images[:5]]
        scale = size[0] / width, size[1] / height
        one = tracker.fork()
        one.init(large[0], tuple(np.multiply(box, scale + scale)))
        cases.append(({"x": size[0] * size[1] / 1e6}, one.update, large))
    return _in_turn(cases)


def memory_sizes(tracker: Tracker, images: list[np.ndarray], box: Box) -> list[Point]:
    """x: ``memory_segments``; read: frames that a query is matched with. None without a memory."""
    if tracker.engine.facts["architecture"] not in MEMORY_NETWORKS:
        return []
    cases = []
    for segments in SEGMENTS:
        engine = copy.copy(tracker.engine)
        engine.tracking = replace(
            engine.tracking,
            memory_segments=segments,
            memory_capacity=1000,
            memory_interval=1,
            memory_score=0.0,
            tracking_score=0.0,
            lost_score=0.0,
        )
        one = Tracker(engine)
        one.init(images[0], box)
        for image in islice(_there_and_back(images), segments + 1):
            one.update(image)
        read = min(one.memory_size, segments + 2)  # the first and the last frame besides
        cases.append(({"x": segments, "read": read}, one.update, images))
    return _in_turn(cases)


def targets(tracker: Tracker, images: list[np.ndarray], box: Box) -> list[Point]:
    """x: targets that share one model, all followed, there and back, through ``IN_VIEW`` images."""
    cases, width = [], images[0].shape[1]
    for number in TARGETS:
        forks = [tracker.fork() for _ in range(number)]
        for one, place in zip(forks, side_by_side(box, width, number), strict=True):
            one.init(images[0], place)

        def update(image, forks=forks):
            update_all(forks, [image] * len(forks))

        cases.append(({"x": number}, update, images[:IN_VIEW]))
    return _in_turn(cases)


def side_by_side(box: Box, width: int, number: int) -> list[Box]:
    """So many boxes side by side in an image of that width, the given one first."""
    x, y, w, h = box
    return [((x + place * width / number) % (width - w), y, w, h) for place in range(number)]


def sequence_lengths(
    tracker: Tracker, images: list[np.ndarray], box: Box, lengths: Sequence[int] = LENGTHS
) -> list[Point]:
    """The last tenth of the frames (10 at least) before each length; rss: MiB in use then."""
    points, taken, tracker = [], [], tracker.fork()
    tracker.init(images[0], box)
    endless = _there_and_back(images)
    for length in lengths:
        for image in islice(endless, length - len(taken)):
            taken.append(timed(tracker, image)["frame"])
        points.append({"x": length, **_times(taken[-max(length // 10, 10) :]), "rss": _rss()})
    return points


def _in_turn(cases: list[tuple[Point, Callable, list[np.ndarray]]]) -> list[Point]:
    """Each case's facts and times; it has what tracks an image, and images."""
    streams = [_there_and_back(images) for _, _, images in cases]
    taken = [[] for _ in cases]
    for _ in range(ROUNDS):
        for (_, update, _), stream, times in zip(cases, streams, taken, strict=True):
            for place, image in enumerate(islice(stream, FRAMES)):
                begin = time.perf_counter()
                update(image)
                if place:
                    times.append(1e3 * (time.perf_counter() - begin))
    return [facts | _times(t) for (facts, _, _), t in zip(cases, taken, strict=True)]


def _times(milliseconds: list[float]) -> dict[str, float]:
    stretches = np.array_split(milliseconds, max(len(milliseconds) // (FRAMES - 1), 1))
    means = [part.mean() for part in stretches]
    return {"mean": float(np.median(means)), **percentiles(milliseconds)}


def _there_and_back(images: list[np.ndarray]) -> Iterator[np.ndarray]:
    """The images after the first, backwards to the first, and again: the target never jumps."""
    return cycle(chain(images[1:], images[-2::-1]))


def _rss() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


# Each takes a tracker, which keeps its target, and images from the frame of the box on.
SWEEPS = {
    "image size": image_sizes,
    "memory size": memory_sizes,
    "targets": targets,
    "sequence length": sequence_lengths,
}
