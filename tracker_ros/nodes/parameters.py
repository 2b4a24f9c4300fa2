"""Every parameter of the nodes, once: what they declare, check and document follows from here.

``python -m tracker_ros.nodes.parameters`` prints the README's tables.
"""

import difflib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from ..core.choices import ENGINES, PRECISIONS
from ..core.errors import ParameterError, TrackerError

Value = bool | int | float | str

TYPE_NAMES = {bool: "bool", int: "integer", float: "double", str: "string"}

# When a new value takes effect.
START = "start"  # never again: read-only
CONFIGURE = "configure"  # may be set while the node is unconfigured
ACTIVATE = "activate"  # may be set while the node is not active
AT_ONCE = "at once"


@dataclass(frozen=True)
class Parameter:
    """One ROS parameter; its type is that of the default."""

    name: str
    default: Value
    description: str
    applies: str = START
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()

    @property
    def type_name(self) -> str:
        return TYPE_NAMES[type(self.default)]

    @property
    def range_text(self) -> str:
        if self.choices:
            return ", ".join(self.choices)
        return "" if self.minimum is None else f"{self.minimum:g} to {self.maximum:g}"

    def check(self, value: Value) -> None:
        """Raise ParameterError unless ``value`` is of the parameter's type and range."""
        if type(value) is not type(self.default):
            # YAML reads 2 as an integer, and ROS converts nothing.
            hint = f"; write {value}.0" if self.type_name == "double" and type(value) is int else ""
            raise ParameterError(
                f"parameter {self.name} is {value!r}, but must be a {self.type_name}{hint}"
            )
        number: Any = value  # where there are bounds
        outside = self.minimum is not None and not self.minimum <= number <= self.maximum
        if outside or (self.choices and value not in self.choices):
            relation = "one of" if self.choices else "from"
            raise ParameterError(
                f"parameter {self.name} is {value!r}, but must be {relation} {self.range_text}"
            )

    def check_stage(self, stage: str) -> None:
        """Raise ParameterError if it cannot be set while the node's lifecycle is in ``stage``."""
        allowed = {CONFIGURE: ("unconfigured",), ACTIVATE: ("unconfigured", "inactive")}
        if stage not in allowed.get(self.applies, (stage,)):
            raise ParameterError(
                f"parameter {self.name} can be set while the node is"
                f" {' or '.join(allowed[self.applies])}, not {stage}"
            )


def parse_box(text: str) -> tuple[float, float, float, float] | None:
    """Read a box as "x,y,w,h" in pixels; None if ``text`` is empty. Raises ParameterError."""
    if not text.strip():
        return None
    try:
        box = tuple(float(part) for part in text.split(","))
    except ValueError:
        box = ()
    if len(box) != 4 or not all(map(math.isfinite, box)) or min(box[2:]) <= 0:
        raise ParameterError(
            f"parameter init_bbox is {text!r}, but must be x,y,w,h in pixels, w and h above 0"
        )
    return box


TRACKER = (
    Parameter("autostart", True, "Configure and activate at start, without a lifecycle manager."),
    Parameter(
        "model",
        "dastm",
        "A shipped model's name, or a path to .safetensors or .onnx.",
        applies=CONFIGURE,
    ),
    Parameter("engine", "auto", "What runs the network.", applies=CONFIGURE, choices=ENGINES),
    Parameter("device", "auto", "`auto`, `cpu`, `cuda` or `cuda:N`.", applies=CONFIGURE),
    Parameter(
        "precision",
        "fp32",
        "`bf16` or `fp16` where hardware is faster at them; on torch and TensorRT.",
        applies=CONFIGURE,
        choices=PRECISIONS,
    ),
    Parameter(
        "allow_cpu_fallback",
        False,
        "Run on the CPU where the asked-for GPU is missing, instead of failing.",
        applies=CONFIGURE,
    ),
    Parameter(
        "image_transport",
        "raw",
        "Subscribe to `image` or to `image/compressed`.",
        applies=ACTIVATE,
        choices=("raw", "compressed"),
    ),
    Parameter(
        "image_qos",
        "AUTO",
        "QoS of the image subscription: `AUTO` is what its publishers offer; `SENSOR_DATA` is"
        " best effort, newest only.",
        applies=ACTIVATE,
        choices=("AUTO", "SENSOR_DATA", "DEFAULT", "SYSTEM_DEFAULT"),
    ),
    Parameter(
        "init_bbox",
        "",
        "Start on this box, `x,y,w,h` in pixels, in the first frame.",
        applies=ACTIVATE,
    ),
    Parameter(
        "max_targets",
        1,
        "How many targets are tracked at once.",
        applies=ACTIVATE,
        minimum=1,
        maximum=64,
    ),
    Parameter(
        "remove_lost_after",
        0.0,
        "Seconds after which a lost target is removed; 0: never.",
        applies=ACTIVATE,
        minimum=0.0,
        maximum=3600.0,
    ),
    Parameter(
        "auto_init",
        False,
        "Start, and find a lost target again, on the best of `detections`.",
        applies=ACTIVATE,
    ),
    Parameter(
        "auto_init_new",
        False,
        "Start on all of `detections` that is no target yet, up to `max_targets`.",
        applies=ACTIVATE,
    ),
    Parameter(
        "auto_correct",
        False,
        "Move a target to where `detections` say that it is.",
        applies=ACTIVATE,
    ),
    Parameter(
        "auto_init_class", "", "Only detections of this class; empty: of any.", applies=AT_ONCE
    ),
    Parameter(
        "auto_init_score",
        0.5,
        "Only detections of this score or above.",
        applies=AT_ONCE,
        minimum=0.0,
        maximum=1.0,
    ),
    Parameter(
        "history",
        2.0,
        "Seconds of frames kept for starting on a past stamp.",
        applies=ACTIVATE,
        minimum=0.1,
        maximum=10.0,
    ),
    Parameter(
        "time_jump",
        0.1,
        "A camera clock that goes back by more seconds than this, for three frames, resets"
        " the tracker; a single frame that does not fit in is dropped.",
        applies=ACTIVATE,
        minimum=0.0,
        maximum=60.0,
    ),
    Parameter(
        "watchdog",
        2.0,
        "Warn after this many seconds without an image.",
        applies=AT_ONCE,
        minimum=0.1,
        maximum=3600.0,
    ),
)

PLAYER = (
    Parameter("source", "", "Video file, image folder, rosbag2, or `camera:0`; required."),
    Parameter("topic", "", "The image topic of a bag that has several."),
    Parameter("rate", 0.0, "Frames per second; 0: the source's own.", minimum=0.0, maximum=10000.0),
    Parameter("loop", False, "Start again after the last frame."),
    Parameter(
        "mode",
        "real_time",
        "`real_time`, or `acknowledged`: the next frame when the tracker is done with this;"
        " with `image_qos: DEFAULT` in the tracker no frame gets lost.",
        choices=("real_time", "acknowledged"),
    ),
    Parameter(
        "acknowledge_timeout",
        5.0,
        "Seconds to wait for the tracker's `~/status` before going on.",
        minimum=0.1,
        maximum=600.0,
    ),
    Parameter(
        "stamps",
        "now",
        "Stamp frames with the time of publishing, or as in the source. Looping, `source`"
        " goes on rising; `source_repeated` jumps back to the first stamp, as a bag does.",
        choices=("now", "source", "source_repeated"),
    ),
    Parameter(
        "image_transport",
        "raw",
        "Publish `image` or `image/compressed`.",
        choices=("raw", "compressed"),
    ),
    Parameter("jpeg_quality", 95, "Of compressed images.", minimum=1, maximum=100),
    Parameter("frame_id", "camera", "Of every header."),
    Parameter("tracker", "tracker_node", "Name of the tracker node."),
    Parameter(
        "wait",
        10.0,
        "Seconds to wait for subscribers of the images (and of `init_target` where it is"
        " published) before the first frame; 0: do not.",
        minimum=0.0,
        maximum=3600.0,
    ),
    Parameter(
        "subscribers", 1, "How many subscribers of the images to wait for.", minimum=1, maximum=100
    ),
    Parameter(
        "publish_init", False, "Send the tracker the truth's first box, stamped with its frame."
    ),
    Parameter("init_bbox", "", "Send the tracker this box, `x,y,w,h`, with frame `init_frame`."),
    Parameter(
        "init_frame", 0, "The frame that `init_bbox` is of, from 0.", minimum=0, maximum=999_999
    ),
)

FOLLOW = (
    Parameter("autostart", True, "Configure and activate at start, without a lifecycle manager."),
    Parameter(
        "target_id",
        "",
        "The target of `~/pose`; empty: the one that has been followed for longest.",
        applies=AT_ONCE,
    ),
    Parameter(
        "depth_source",
        "image",
        "Take depth from `depth/image` and `depth/camera_info`, or from `points`.",
        applies=ACTIVATE,
        choices=("image", "points"),
    ),
    Parameter(
        "depth_qos",
        "SENSOR_DATA",
        "QoS of the subscriptions to depth.",
        applies=ACTIVATE,
        choices=("SENSOR_DATA", "DEFAULT", "SYSTEM_DEFAULT"),
    ),
    Parameter(
        "depth_scale",
        0.001,
        "Metres of one unit in 16-bit depth images.",
        applies=AT_ONCE,
        minimum=1e-6,
        maximum=1000.0,
    ),
    Parameter(
        "slop",
        0.02,
        "Seconds that the stamps of boxes and depth may differ, where none is the same.",
        applies=ACTIVATE,
        minimum=0.0,
        maximum=10.0,
    ),
    Parameter(
        "min_points",
        20,
        "Pixels of one distance that a target has at least.",
        applies=ACTIVATE,
        minimum=1,
        maximum=1_000_000,
    ),
    Parameter(
        "max_range",
        10.0,
        "Metres; depth beyond is not used.",
        applies=ACTIVATE,
        minimum=0.1,
        maximum=1000.0,
    ),
    Parameter(
        "gate",
        4.0,
        "Standard deviations that a measured place may lie from the expected one.",
        applies=ACTIVATE,
        minimum=1.0,
        maximum=100.0,
    ),
    Parameter(
        "process_noise",
        0.5,
        "How much a target changes its velocity: spectral density in m²/s³.",
        applies=ACTIVATE,
        minimum=0.001,
        maximum=1000.0,
    ),
    Parameter(
        "size_change",
        1.5,
        "Factor by which a target's size in metres may differ from before; a jump to what is"
        " behind it makes it larger.",
        applies=ACTIVATE,
        minimum=1.05,
        maximum=100.0,
    ),
    Parameter(
        "forget_after",
        5.0,
        "Seconds without a good measurement after which place and size are found anew.",
        applies=ACTIVATE,
        minimum=0.1,
        maximum=3600.0,
    ),
    Parameter("tf", False, "Broadcast a frame `target_ID` for each target.", applies=CONFIGURE),
    Parameter(
        "watchdog",
        2.0,
        "Warn after this many seconds without boxes or depth.",
        applies=AT_ONCE,
        minimum=0.1,
        maximum=3600.0,
    ),
)

NODES = {"tracker_node": TRACKER, "player_node": PLAYER, "follow_node": FOLLOW}


def declare(node, table: Iterable[Parameter]) -> None:
    """Declare ``table`` on an rclpy node. Raises ParameterError for an override out of range.

    Logs a warning for every parameter that is given but not in the table: most are misspelt.
    """
    from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException

    for parameter in table:
        try:
            node.declare_parameter(parameter.name, parameter.default, descriptor(parameter))
        except (InvalidParameterTypeException, InvalidParameterValueException) as error:
            limits = f" from {parameter.range_text}" if parameter.range_text else ""
            raise ParameterError(
                f"parameter {parameter.name} must be a {parameter.type_name}{limits}: {error}"
            ) from None
        parameter.check(node.get_parameter(parameter.name).value)

    for sentence in unknown(node):
        node.get_logger().warning(sentence)


def refusal(table: Iterable[Parameter], changed: Iterable, stage: str) -> str:
    """Why rclpy parameters may not be ``changed`` in a node's ``stage``; empty where they may.

    What ``table`` does not have is not a concern of ours.
    """
    entries = {entry.name: entry for entry in table}
    for parameter in changed:
        if (entry := entries.get(parameter.name)) is None:
            continue
        try:
            entry.check(parameter.value)
            entry.check_stage(stage)
        except TrackerError as error:
            return str(error)
    return ""


def unknown(node) -> list[str]:
    """One sentence for each parameter that ``node`` was given and does not have."""
    # rclpy tells in no public way which overrides came from files and the command line.
    given = getattr(node, "_parameter_overrides", {})
    known = [name for name in given if node.has_parameter(name)]
    known += [p.name for table in NODES.values() for p in table if node.has_parameter(p.name)]
    sentences = []
    for name in given:
        if node.has_parameter(name) or name.startswith("qos_overrides."):
            continue
        close = difflib.get_close_matches(name, known, 1)
        hint = f"; {close[0]} is meant?" if close else ""
        sentences.append(f"there is no parameter {name}: it is ignored{hint}")
    return sentences


def read(node, table: Iterable[Parameter]) -> SimpleNamespace:
    """The present values of ``table`` on ``node``, by name."""
    return SimpleNamespace(**{p.name: node.get_parameter(p.name).value for p in table})


def descriptor(parameter: Parameter):
    """The rcl_interfaces/ParameterDescriptor of ``parameter``."""
    from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor

    limits = {}
    if parameter.minimum is not None:
        if isinstance(parameter.default, float):
            limits["floating_point_range"] = [
                FloatingPointRange(from_value=parameter.minimum, to_value=parameter.maximum)
            ]
        else:
            limits["integer_range"] = [
                IntegerRange(from_value=parameter.minimum, to_value=parameter.maximum)
            ]
    return ParameterDescriptor(
        description=parameter.description,
        additional_constraints=f"One of: {parameter.range_text}." if parameter.choices else "",
        read_only=parameter.applies == START,
        **limits,
    )


def markdown(table: Iterable[Parameter]) -> str:
    """The README's table."""
    lines = ["| parameter | type | default | range | can be set | what it does |", "|" + "---|" * 6]
    when = {START: "at start", CONFIGURE: "unconfigured", ACTIVATE: "inactive", AT_ONCE: "any time"}
    for p in table:
        default = str(p.default).lower() if isinstance(p.default, bool) else p.default
        cells = (
            f"`{p.name}`",
            p.type_name,
            f"`{default}`" if default != "" else "",
            p.range_text,
            when[p.applies],
            p.description,
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def documentation() -> str:
    """The README's part between the parameters markers."""
    return "\n\n".join(f"`{name}`:\n\n{markdown(table)}" for name, table in NODES.items())


if __name__ == "__main__":
    print(documentation())
