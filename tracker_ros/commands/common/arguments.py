"""Options that several commands share, and the values they take."""

import argparse
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ...core.errors import InputError, ParameterError
from ...core.io.names import check_file_name
from ...nodes.parameters import TRACKER
from ...nodes.parameters.parameter import Parameter
from ...training.options import read_number, read_whole

TRACKER_OPTIONS = ("model", "engine", "device", "precision", "allow_cpu_fallback")


class Once(argparse.Action):
    """Store the value of an option, and refuse another: here there is one target."""

    def __call__(self, parser, namespace, values, option_string=None):
        if getattr(namespace, self.dest) is not None:
            raise argparse.ArgumentError(self, "given more than once, but one target is followed")
        setattr(namespace, self.dest, values)


def add_paths(parser: argparse.ArgumentParser, texts: dict[str, str], **more: Any) -> None:
    """Options of files and folders: ``--name METAVAR`` → help. ``more``: of ``add_argument``."""
    for named, text in texts.items():
        option, _, what = named.partition(" ")
        parser.add_argument(option, type=path_argument, metavar=what, help=text, **more)


def add_counts(
    parser: argparse._ActionsContainer, counts: dict[str, tuple[int | None, str]]
) -> None:
    """Options of whole numbers above 0: ``--name`` → default and help."""
    for option, (default, text) in counts.items():
        told = text if default is None else f"{text} ({default})"
        parser.add_argument(option, type=positive_int, default=default, metavar="N", help=told)


def add_box(
    parser: argparse.ArgumentParser, otherwise: str, select: bool = False, **more: Any
) -> None:
    """``--box``, the target in the first frame; ``otherwise``: where it is not given.

    select: ``--select``, which lets somebody draw it, is another way.
    """
    ways = parser.add_mutually_exclusive_group()
    text = "the target in the first frame, in pixels (--box=-3,… for a negative x)"
    more = {"action": Once} | more  # ``track`` takes several, so the last must not win elsewhere
    ways.add_argument(
        "--box", type=box_argument, metavar="X,Y,W,H", help=f"{text}; {otherwise}", **more
    )
    if select:
        text = "draw it in a browser instead, on a page that is served on this machine meanwhile"
        ways.add_argument("--select", action="store_true", help=text)


def add_overrides(parser: argparse.ArgumentParser, texts: dict[str, str]) -> None:
    """Options of other values of a configuration: ``--name`` → help; see ``options.overridden``."""
    for option, text in texts.items():
        parser.add_argument(option, action="append", default=[], metavar="NAME=VALUE", help=text)


def preset_from(args: argparse.Namespace, name: str):
    """The preset ``name`` with the values that --network and --tracking give.

    Raises ModelError for an unknown preset, ParameterError for an unknown or wrong value and for
    one that has no effect.
    """
    from ...networks.presets import preset
    from ...training.options import overridden

    design = preset(name)
    network = overridden(design.network, args.network, "--network", lambda made: dict(made.idle()))
    tracking = tracking_from(args, design.tracking, design.architecture, network.to_dict())
    return design._replace(network=network, tracking=tracking)


def tracking_from(args: argparse.Namespace, tracking, architecture: str, network: dict):
    """``tracking`` of such a network with the values that --tracking gives. Raises as above."""
    from ...engines.models.files import idle_tracking
    from ...training.options import overridden

    idle = idle_tracking(architecture, network)
    return overridden(tracking, args.tracking, "--tracking", lambda made: idle)


def add_source_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source", help="video file, image folder, rosbag2 (.mcap, .db3, folder) or camera index"
    )
    parser.add_argument(
        "--topic", type=name_argument, help="the image topic of a bag that has several"
    )
    add_counts(parser, {"--frames": (None, "stop after N frames")})


def add_parameters(parser: argparse._ActionsContainer, table: Iterable[Parameter]) -> None:
    """A node's parameters as options."""
    for parameter in table:
        option = "--" + parameter.name.replace("_", "-")
        text, default = parameter.description.replace("`", "").replace("%", "%%"), parameter.default
        if isinstance(default, bool):
            parser.add_argument(option, action="store_true", help=text)
        else:
            text += "" if default == "" else f" Default: {default}."
            choices = parameter.choices or None
            kind = {int: read_whole, float: read_number}.get(type(default), str)
            parser.add_argument(option, type=kind, default=default, choices=choices, help=text)


def add_tracker_arguments(parser: argparse.ArgumentParser) -> None:
    """The tracker node's parameters that say what tracks."""
    group = parser.add_argument_group("tracker")
    add_parameters(group, (p for p in TRACKER if p.name in TRACKER_OPTIONS))


def tracker_options_given(args: argparse.Namespace) -> list[str]:
    """Those that are other than by default, as they are written: ``--model``."""
    defaults = {parameter.name: parameter.default for parameter in TRACKER}
    given = (name for name in TRACKER_OPTIONS if getattr(args, name) != defaults[name])
    return ["--" + name.replace("_", "-") for name in given]


def tracker_from(args: argparse.Namespace):
    """The tracker that ``add_tracker_arguments`` describes. Raises ModelError."""
    from ...engines import load_tracker

    return load_tracker(**tracker_options(args))


def tracker_options(args: argparse.Namespace) -> dict[str, Any]:
    """The values of ``add_tracker_arguments``."""
    return {name: getattr(args, name) for name in TRACKER_OPTIONS}


def box_argument(text: str) -> tuple[float, float, float, float]:
    """Read "x,y,w,h" in pixels, for argparse."""
    from ...core.geometry import boxes

    try:
        return boxes.parse_box(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def name_argument(text: str) -> str:
    """A name, for argparse: not what an unset variable leaves of ``--name "$NAME"``."""
    if not text:
        raise argparse.ArgumentTypeError("the name is empty")
    return text


def file_name_argument(text: str) -> str:
    """What becomes the name of a file, or a part of it, for argparse: no path to elsewhere."""
    try:
        return check_file_name(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def path_argument(text: str) -> Path:
    """A file or folder, for argparse; ``Path`` would take none for the folder that one is in."""
    return Path(name_argument(text))


def names(text: str) -> tuple[str, ...]:
    """Read different names between commas, for argparse."""
    parts = text.split(",")
    if not all(parts) or len({*parts}) < len(parts):
        raise argparse.ArgumentTypeError(f"{text!r} is no list of different names")
    return tuple(parts)


def numbers(text: str) -> tuple[int, ...]:
    """Read different whole numbers from 0 up, between commas, for argparse."""
    parts = text.split(",")
    if not all(map(str.isdecimal, parts)) or len({*map(int, parts)}) < len(parts):
        raise argparse.ArgumentTypeError(f"{text!r} is no list of different numbers from 0 up")
    return tuple(map(int, parts))


def positive_int(text: str) -> int:
    """Read an integer above 0, for argparse."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive whole number")
    return int(text)


def add_device(parser: argparse.ArgumentParser) -> None:
    """``--device`` of a training, see ``find_device``."""
    parser.add_argument("--device", default="cpu", help="cpu, cuda or cuda:N (cpu)")


def find_device(name: str) -> str:
    """The device that ``--device`` names, under torchrun its own. Raises ParameterError."""
    import torch

    from ...evaluation.parallel import Share

    if not re.fullmatch("cpu|cuda(:[0-9]+)?", name):
        raise ParameterError(f"--device is {name!r}, not cpu, cuda or cuda:N")
    if name == "cuda":  # under torchrun, each process has a GPU of its own
        name = f"cuda:{Share.of_environment().place}"
    if name != "cpu" and torch.device(name).index >= torch.cuda.device_count():
        raise ParameterError(f"--device is {name!r}, but torch does not find it here")
    return name
