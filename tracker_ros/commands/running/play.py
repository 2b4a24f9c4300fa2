"""``tracker-ros play``: the player node, with its parameters as options."""

import argparse
import json

from ...nodes.parameters import PLAYER
from ..common.arguments import add_parameters


def add_arguments(parser: argparse.ArgumentParser) -> None:
    source, *options = PLAYER
    parser.add_argument("source", help=source.description.removesuffix("; required."))
    add_parameters(parser, options)


def run(args: argparse.Namespace) -> int:
    from ...nodes.player_node import PlayerNode
    from ...nodes.process.run import run as run_node

    arguments = ["--ros-args"]
    for parameter in PLAYER:
        # JSON is YAML: it keeps "0" a string and 1.0 a float.
        arguments += ["-p", f"{parameter.name}:={json.dumps(getattr(args, parameter.name))}"]
    run_node(PlayerNode, arguments)
    return 0
