"""The parameters of ``follow_node``."""

from .parameter import ACTIVATE, AT_ONCE, CONFIGURE, STARTING, Parameter

IMAGE = (("depth_source", "image"),)

FOLLOW = (
    *STARTING,
    Parameter(
        "target_id",
        "",
        "The target of `~/pose`; empty: the one that has been followed for longest.",
        AT_ONCE,
    ),
    Parameter(
        "depth_source",
        "image",
        "Take depth from `depth/image` and `depth/camera_info`, or from `points`.",
        ACTIVATE,
        choices=("image", "points"),
    ),
    Parameter(
        "depth_transport",
        "raw",
        "Subscribe to `depth/image` or to `depth/image/compressedDepth`.",
        ACTIVATE,
        choices=("raw", "compressedDepth"),
        about=IMAGE,
    ),
    Parameter(
        "depth_qos",
        "SENSOR_DATA",
        "QoS of the subscriptions to depth.",
        ACTIVATE,
        choices=("SENSOR_DATA", "DEFAULT", "SYSTEM_DEFAULT"),
    ),
    Parameter(
        "depth_scale",
        0.001,
        "Metres of one unit in 16-bit depth images.",
        AT_ONCE,
        limits=(1e-6, 1000.0),
        about=IMAGE,
    ),
    Parameter(
        "rectified",
        True,
        "The images are rectified: `camera_info`'s P is used; false: raw ones, K and distortion D.",
        ACTIVATE,
        about=IMAGE,
    ),
    Parameter(
        "slop",
        0.02,
        "Seconds that the stamps of boxes and depth may differ, where none is the same.",
        ACTIVATE,
        limits=(0.0, 10.0),
    ),
    Parameter(
        "min_points",
        20,
        "Pixels of one distance that a target has at least.",
        ACTIVATE,
        limits=(1, 1_000_000),
    ),
    Parameter(
        "max_range", 10.0, "Metres; depth beyond is not used.", ACTIVATE, limits=(0.1, 1000.0)
    ),
    Parameter(
        "gate",
        4.0,
        "Standard deviations that a measured place may lie from the expected one.",
        ACTIVATE,
        limits=(1.0, 100.0),
    ),
    Parameter(
        "process_noise",
        0.5,
        "How much a target changes its velocity: spectral density in m²/s³.",
        ACTIVATE,
        limits=(0.001, 1000.0),
    ),
    Parameter(
        "size_change",
        1.5,
        "Factor by which a target's size in metres may differ from before; a jump to what is"
        " behind it makes it larger.",
        ACTIVATE,
        limits=(1.05, 100.0),
    ),
    Parameter(
        "forget_after",
        5.0,
        "Seconds without a good measurement after which place and size are found anew.",
        ACTIVATE,
        limits=(0.1, 3600.0),
    ),
    Parameter("tf", False, "Broadcast a frame `target_ID` for each target.", CONFIGURE),
    Parameter(
        "watchdog",
        2.0,
        "Warn after this many seconds without boxes or depth.",
        AT_ONCE,
        limits=(0.1, 3600.0),
    ),
)
