"""Peak memory of a tracker: measured in a process of its own, which does nothing else."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np

from ...core.geometry.boxes import Box
from ...runtime.outputs.process import memory_values

FRAMES = 8  # the memory's first frames; it grows little after them, and no further than its bound


def footprints(
    makers: dict[str, Callable], images: list[np.ndarray], box: Box
) -> dict[str, dict[str, float]]:
    """For each name {"process_memory_peak_mib"} and, where torch has a GPU, {"device_memory_mib"}.

    makers: what make the trackers, without arguments; they must be picklable.
    """
    found = {}
    for name, make in makers.items():
        with ProcessPoolExecutor(1, get_context("spawn")) as process:
            found[name] = process.submit(_peak, make, images[:FRAMES], box).result()
    return found


def _peak(make: Callable, images: list[np.ndarray], box: Box) -> dict[str, float]:
    tracker = make()
    tracker.init(images[0], box)
    for image in images[1:]:
        tracker.update(image)
    provider = tracker.engine.provider if hasattr(tracker, "engine") else "OpenCV"
    return {name: float(value) for name, value in memory_values(provider).items()}
