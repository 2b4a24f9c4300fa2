"""Single-object tracking for ROS 2 with a spatio-temporal memory network.

>>> from tracker_ros import load_tracker
>>> tracker = load_tracker("dastm")
>>> tracker.init(image, (x, y, w, h))      # uint8 [H, W, 3] BGR; pixels
>>> result = tracker.update(image)         # .box, .score, .state, .gate
"""

__version__ = "0.1.0"
__all__ = ["load_tracker"]


def __getattr__(name: str):
    # Deferred: `tracker-ros --help` and the message conversions need no engine.
    if name == "load_tracker":
        from .engines import load_tracker

        return load_tracker
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
