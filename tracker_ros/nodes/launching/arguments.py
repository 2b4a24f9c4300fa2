"""The arguments of the launch files: declared, and all read before anything is started."""

import difflib
import functools
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ...core.errors import ParameterError
from ...core.io.paths import share_dir
from ..parameters import SELECT, TRACKER
from ..parameters.parameter import Parameter, Value

LEVELS = ("debug", "info", "warn", "error", "fatal")  # in any case, as ROS 2 reads them
BOOLEANS = {
    **dict.fromkeys(("true", "1", "yes", "on"), True),
    **dict.fromkeys(("false", "0", "no", "off"), False),
}


@dataclass(frozen=True)
class Argument:
    """An argument: its text is a value of ``parameter``, whose default an empty text means."""

    parameter: Parameter
    of_file: bool = False  # an empty text means the parameter file's value instead
    required: bool = False
    topic: bool = False  # its values are names of topics


def of_launch(name: str, default: Value, description: str, of_file: bool = False) -> Argument:
    """An argument that is no parameter of a node in our tables."""
    return Argument(Parameter(name, default, description), of_file)


def of_topic(name: str, default: str, description: str) -> Argument:
    """An argument that names a topic."""
    return Argument(Parameter(name, default, description), topic=True)


def of_node(table: Iterable[Parameter], *names: str) -> tuple[Argument, ...]:
    """Arguments that come before what the parameter file says of these parameters."""
    return tuple(Argument(p, of_file=True) for p in table if p.name in names)


TRACK = (
    of_launch("namespace", "", "The nodes' namespace; one for each camera."),
    of_launch(
        "params_file",
        str(share_dir() / "config" / "tracker.yaml"),
        "Parameters; an argument that is not '' overrides them.",
    ),
    of_topic(
        "image_topic", "image", "The camera's topic, without /compressed; relative to namespace."
    ),
    of_topic("detections_topic", "detections", "A detector's topic; see parameter auto_init."),
    of_launch("use_sim_time", False, "Take the time from /clock.", of_file=True),
    of_launch("rviz", False, "Show images and boxes in rviz2."),
    of_launch("select", False, "Serve a page on which one draws the target (select_node)."),
    of_launch(
        "required",
        False,
        "End the launch with status 1 if a node fails or cannot start; else the rest goes on.",
        of_file=True,
    ),
    Argument(Parameter("log_level", "info", "From where on the nodes log.", choices=LEVELS)),
    *of_node(
        TRACKER,
        "model",
        "device",
        "engine",
        "precision",
        "image_transport",
        "init_bbox",
        "max_targets",
        "autostart",
    ),
    *of_node(SELECT, "host", "port"),
)


def declare(arguments: Iterable[Argument]) -> list:
    """Launch's actions that declare ``arguments``."""
    from launch.actions import DeclareLaunchArgument

    return [
        DeclareLaunchArgument(
            argument.parameter.name,
            default_value=_default(argument),
            description=_described(argument.parameter),
        )
        for argument in arguments
    ]


def _described(parameter: Parameter) -> str:
    choices = f" One of: {parameter.range_text}." if parameter.choices else ""
    return parameter.description + choices


def _default(argument: Argument) -> str | None:
    if argument.required:
        return None
    default = "" if argument.of_file else argument.parameter.default
    return str(default).lower() if isinstance(default, bool) else str(default)


def read(context, arguments: Sequence[Argument]) -> dict[str, Value]:
    """Values by name, without those that are left to the parameter file.

    ``context`` is launch's. Raises ParameterError, which names the argument and what it takes.
    Warns of names that look like slips.
    """
    known = [argument.parameter.name for argument in arguments]
    for name in {text.partition(":=")[0] for text in context.argv} - set(known):
        # Launch passes over what nobody declared. Other names may be of a file that includes ours.
        for near in difflib.get_close_matches(name, known, n=1, cutoff=0.75):
            _warn(f"there is no argument {name}, and it is ignored; did you mean {near}?")
    values: dict[str, Value] = {}
    for argument in arguments:
        name = argument.parameter.name
        if text := context.launch_configurations[name]:
            values[name] = value(argument.parameter, text)
            if argument.topic:
                _check_topic(name, text)
        elif not argument.of_file:
            values[name] = argument.parameter.default
    return values


def _check_topic(name: str, text: str) -> None:
    from rclpy.expand_topic_name import expand_topic_name
    from rclpy.validate_full_topic_name import validate_full_topic_name

    try:  # a node that could not be remapped would end, beside others that run
        validate_full_topic_name(expand_topic_name(text, "node", "/"))
    except Exception:  # rclpy has many types for it
        raise ParameterError(f"argument {name} is {text!r}, but must name a topic") from None


def warn_of_idle(context, arguments: Sequence[Argument], names: Iterable[str], why: str) -> None:
    """Warn of those of ``arguments`` with these ``names`` that are given, but have no effect.

    Not of those at their defaults: a file that includes ours may pass on all that it declares.
    """
    for parameter in (argument.parameter for argument in arguments):
        text = context.launch_configurations[parameter.name] if parameter.name in names else ""
        if text and value(parameter, text) != parameter.default:
            _warn(f"argument {parameter.name} has no effect: {why}")


def full_namespace(context, values: dict[str, Value]) -> str:
    """The nodes' namespace, below that which PushRosNamespace sets."""
    namespace = str(values["namespace"])
    if namespace.startswith("/"):
        return namespace
    return f"{context.launch_configurations.get('ros_namespace', '')}/{namespace}"


@functools.cache
def _warn(sentence: str) -> None:
    """Log it once: a launch file may include another one of ours."""
    logging.getLogger("launch").warning(sentence)


def value(parameter: Parameter, text: str) -> Value:
    """What the argument's ``text`` means. Raises ParameterError."""
    kind = type(parameter.default)
    wanted = "true or false" if kind is bool else parameter.wanted
    said = text.lower() if kind is bool or parameter.choices == LEVELS else text
    try:
        given = BOOLEANS[said] if kind is bool else kind(said)
        parameter.check(given)
    except (KeyError, ValueError, ParameterError):
        raise ParameterError(
            f"argument {parameter.name} is {text!r}, but must be {wanted}"
        ) from None
    return given


def for_node(values: dict[str, Value], *names: str) -> dict:
    """``values``, or those of them with these ``names``, as launch's Node takes them."""
    from launch_ros.parameter_descriptions import ParameterValue

    # Launch would guess a type from what a string looks like.
    return {
        name: ParameterValue(given, value_type=str) if isinstance(given, str) else given
        for name, given in values.items()
        if not names or name in names
    }
