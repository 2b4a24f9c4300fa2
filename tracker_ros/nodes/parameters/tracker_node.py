"""The parameters of ``tracker_node``."""

from ...core.config import ENGINES, PRECISIONS
from .parameter import ACTIVATE, AT_ONCE, CONFIGURE, STARTING, Parameter

DETECTIONS = tuple((name, True) for name in ("auto_init", "auto_init_new", "auto_correct"))

TRACKER = (
    *STARTING,
    Parameter(
        "model", "dastm", "A shipped model's name, or a path to .safetensors or .onnx.", CONFIGURE
    ),
    Parameter("engine", "auto", "What runs the network.", CONFIGURE, choices=ENGINES),
    Parameter("device", "auto", "`auto`, `cpu`, `cuda` or `cuda:N`.", CONFIGURE),
    Parameter(
        "precision",
        "fp32",
        "`bf16` or `fp16` where hardware is faster at them; on torch and TensorRT.",
        CONFIGURE,
        choices=PRECISIONS,
    ),
    Parameter(
        "allow_cpu_fallback",
        False,
        "Run on the CPU where the asked-for GPU is missing, instead of failing.",
        CONFIGURE,
    ),
    Parameter(
        "image_transport",
        "raw",
        "Subscribe to `image` or to `image/compressed`.",
        ACTIVATE,
        choices=("raw", "compressed"),
    ),
    Parameter(
        "image_qos",
        "AUTO",
        "QoS of the image subscription: `AUTO` is what its publishers offer; `SENSOR_DATA` is"
        " best effort, newest only.",
        ACTIVATE,
        choices=("AUTO", "SENSOR_DATA", "DEFAULT", "SYSTEM_DEFAULT"),
    ),
    Parameter(
        "init_bbox",
        "",
        "Start on this box, `x,y,w,h` in pixels, in the first frame that shows something there.",
        ACTIVATE,
        box=True,
    ),
    Parameter("max_targets", 1, "How many targets are tracked at once.", ACTIVATE, limits=(1, 64)),
    Parameter(
        "remove_lost_after",
        0.0,
        "Seconds after which a lost target is removed; 0: never.",
        ACTIVATE,
        limits=(0.0, 3600.0),
    ),
    Parameter(
        "auto_init",
        False,
        "Start, and find a lost target again, on the best of `detections`.",
        ACTIVATE,
    ),
    Parameter(
        "auto_init_new",
        False,
        "Start on all of `detections` that is no target yet, up to `max_targets`.",
        ACTIVATE,
    ),
    Parameter(
        "auto_correct", False, "Move a target to where `detections` say that it is.", ACTIVATE
    ),
    Parameter(
        "auto_init_class",
        "",
        "Only detections of this class; empty: of any.",
        AT_ONCE,
        about=DETECTIONS,
    ),
    Parameter(
        "auto_init_score",
        0.5,
        "Only detections of this score or above.",
        AT_ONCE,
        limits=(0.0, 1.0),
        about=DETECTIONS,
    ),
    Parameter(
        "history",
        5.0,  # as long as a person may take who draws a box
        "Seconds of frames kept for starting on a past stamp; 256 MiB at most.",
        ACTIVATE,
        limits=(0.1, 10.0),
    ),
    Parameter(
        "time_jump",
        0.1,
        "A camera clock that goes back by more seconds than this, for three frames, resets"
        " the tracker; a single frame that does not fit in is dropped.",
        ACTIVATE,
        limits=(0.0, 60.0),
    ),
    Parameter(
        "watchdog",
        2.0,
        "Warn after this many seconds without an image.",
        AT_ONCE,
        limits=(0.1, 3600.0),
    ),
)
