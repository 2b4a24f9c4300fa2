"""``tracker-ros``: a module a command, each with ``add_arguments(parser)`` and ``run(args)``."""

import argparse
import importlib
import os
import sys

from .. import __version__
from .execution import PROGRAM, Parser, execute

# By folder; each with what the list of commands says of it.
COMMANDS = {
    "running": {
        "demo": "track a known target through ROS 2 and report",
        "track": "track a target in a video, folder, bag or camera",
        "play": "publish a video, folder, bag or camera as a ROS 2 topic",
        "trax": "serve a tracker to VOT's toolkit",
    },
    "judging": {
        "evaluate": "score trackers on sequences with truth",
        "compare": "compare two evaluations, with confidence",
        "explain": "show where a query looks in memory, and why a box jumped",
        "gate-report": "show what a gate chose in an evaluation",
        "benchmark": "measure speed, beside OpenCV's trackers",
    },
    "workshop": {
        "train": "train a tracker",
        "train-refiner": "train the refiner of a tracker's boxes on its frozen trunk",
        "ablate": "train and compare variants of the attention",
        "convert": "turn an official checkpoint into a model or backbone",
        "export": "write weights as ONNX",
        "info": "show what a model is and where it comes from",
    },
}


def build_parser(arguments: list[str]) -> argparse.ArgumentParser:
    """The parser for ``arguments``; only the command that they name is imported."""
    parser = Parser(
        prog=PROGRAM,
        description="Visual single-object tracking with a spatio-temporal memory.",
    )
    parser.add_argument("-V", "--version", action="version", version=f"{PROGRAM} {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    chosen = next((a for a in arguments if not a.startswith("-")), None)
    bag = chosen == "evaluate" and _names_bag(arguments)
    for folder, summaries in COMMANDS.items():
        for name, summary in summaries.items():
            description = f"{summary[0].upper()}{summary[1:]}."
            command = commands.add_parser(name, help=summary, description=description)
            if name == chosen:
                module = "evaluate_bag" if bag else name.replace("-", "_")
                implementation = importlib.import_module(f"{__name__}.{folder}.{module}")
                implementation.add_arguments(command)
                command.set_defaults(run=implementation.run)
    return parser


def _names_bag(arguments: list[str]) -> bool:
    """Whether a bag is to be evaluated, which a module of its own does, with other options."""
    paths = [argument for argument in arguments if os.path.exists(argument)]
    if not paths:  # then help must not wait for NumPy
        return False
    from ..sources import is_bag

    return any(map(is_bag, paths))


def main(arguments: list[str] | None = None) -> int:
    """Run a command; returns the exit status: 0, 1 for an error, 130 for Ctrl-C."""
    return execute(build_parser, sys.argv[1:] if arguments is None else arguments)
