"""Single-object tracking for ROS 2 with a spatio-temporal memory network.

>>> from tracker_ros import load_tracker
>>> tracker = load_tracker("dastm")
>>> tracker.init(image, (x, y, w, h))      # uint8 [H, W, 3] BGR; pixels
>>> result = tracker.update(image)         # .box, .score, .state, .gate

Several targets share the network: ``tracker.fork()``, and ``update_all(trackers, images)``.
"""

__version__ = "0.1.0"
__all__ = ["load_tracker", "update_all"]


def __getattr__(name: str):
    # Deferred: `tracker-ros --help` and the message conversions need no engine.
    if name == "load_tracker":
        from .engines import load_tracker

        return load_tracker
    if name == "update_all":
        from .core.crowd import update_all

        return update_all
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
