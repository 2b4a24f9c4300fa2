"""Single-object tracking for ROS 2 with a spatio-temporal memory network.

>>> from tracker_ros import load_tracker
>>> tracker = load_tracker("dastm")
>>> tracker.init(image, (x, y, w, h))      # uint8 [H, W, 3] BGR; pixels
>>> result = tracker.update(image)         # .box, .score, .state, .gate

Several targets share the network: ``tracker.fork()``, and ``update_all(trackers, images)``.
"""

import os
import sys
from contextlib import suppress
from importlib import import_module
from typing import Any

# NumPy's products are small here, and its threads would spin on the cores that the network needs:
# with two of them a robot loses frames. What the user has said counts.
if "OPENBLAS_NUM_THREADS" not in os.environ:
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    if "numpy" in sys.modules:  # it has not heard that
        with suppress(ImportError):
            from threadpoolctl import ThreadpoolController

            ThreadpoolController().select(internal_api="openblas").limit(limits=1)
# Images of more pixels are taken for corrupt ones (MAX_IMAGE_SIDE), but a PNG of 100 kB may have a
# thousand million, which fill a robot's memory while it is decoded. OpenCV looks when it is loaded.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(16384**2))
# ONNX Runtime's wheels (1.32) otherwise keep a device's id and report uses to their maker. Nothing
# of a robot's goes anywhere because it tracks; whoever wants it sets this to 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__version__ = "0.2.0"
__all__ = ["load_tracker", "update_all"]


def __getattr__(name: str) -> Any:
    """Import a name when it is first used: help and message conversions need no engine."""
    homes = {"load_tracker": "engines", "update_all": "core.batch"}
    if name in homes:
        return getattr(import_module(f"{__name__}.{homes[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
