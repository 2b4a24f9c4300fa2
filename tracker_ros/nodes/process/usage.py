"""What a node's process says of itself for ``--help``: without rclpy, so that it comes at once."""

from collections.abc import Iterable
from textwrap import fill

from ...core.io.paths import share_dir
from ..parameters import NODES
from ..parameters.parameter import Parameter

ASKING = ("-h", "--help")
WIDTH = 100  # characters of a line
ABOUT = {
    "tracker_node": "Tracks targets in a camera's images.",
    "select_node": "Serves a page with a camera's images; a box drawn there starts the tracker.",
    "player_node": "Publishes a video, image folder, recording or camera as a driver would.",
    "follow_node": "Finds the places in space of the tracker's boxes, from depth.",
}


def asked(words: Iterable[str]) -> bool:
    """Whether a command line asks for help."""
    return any(word in ASKING for word in words)


def text(name: str) -> str:
    """The help of a node's process. Raises TrackerError if the package's files are missing."""
    usage = (
        f"usage: ros2 run tracker_ros {name} --ros-args [-p PARAMETER:=VALUE ...]"
        " [-r TOPIC:=TOPIC ...] [--params-file FILE]"
    )
    file = share_dir() / "config" / "tracker.yaml"
    return "\n\n".join(
        (
            fill(usage, WIDTH, subsequent_indent=" " * 7),
            ABOUT[name],
            f"Parameters and their defaults, which are also in {file}:",
            "\n".join(map(_entry, NODES[name])),
        )
    )


def _entry(parameter: Parameter) -> str:
    default = parameter.default
    value = str(default).lower() if isinstance(default, bool) else default
    kind = ", ".join(filter(None, (parameter.type_name, parameter.range_text)))
    said, indent = parameter.description.replace("`", ""), " " * 6
    told = fill(said, WIDTH, initial_indent=indent, subsequent_indent=indent)
    return f"  {parameter.name}:={value}  ({kind})\n{told}"
