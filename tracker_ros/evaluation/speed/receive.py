"""Time from an image message to its array, by encoding."""

import time

import numpy as np

from ...conversions.images import bgr_to_compressed, bgr_to_image, to_bgr
from ...sources.bag.typestore import bag_message as make
from ..metrics import percentiles


def receive(images: list[np.ndarray]) -> dict[str, dict[str, float]]:
    """{"bgr8", "rgb8", "JPEG"}: {"p50", "p99"} in milliseconds, on messages of these images."""
    header = make("std_msgs/msg/Header")
    taken = {"bgr8": [], "rgb8": [], "JPEG": []}
    for image in images:
        messages = {name: bgr_to_image(image, header, make) for name in ("bgr8", "rgb8")}
        messages["rgb8"].encoding = "rgb8"
        messages["JPEG"] = bgr_to_compressed(image, header, make=make)
        for name, message in messages.items():
            begin = time.perf_counter()
            to_bgr(message)
            taken[name].append(1e3 * (time.perf_counter() - begin))
    return {name: percentiles(values) for name, values in taken.items()}
