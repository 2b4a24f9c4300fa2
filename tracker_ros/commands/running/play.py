"""``tracker-ros play``: the player node, with its parameters as options."""

import argparse

from ...nodes.parameters import PLAYER
from ..common.arguments import add_parameters


def add_arguments(parser: argparse.ArgumentParser) -> None:
    source, *options = PLAYER
    parser.add_argument("source", help=source.description.removesuffix("; required."))
    add_parameters(parser, options)


def run(args: argparse.Namespace) -> int:
    from ...nodes.process import middleware
    from ...nodes.process.arguments import parameter_arguments, utf8_source

    middleware.check()  # before rclpy is imported
    from ...nodes.player_node import PlayerNode
    from ...nodes.process.run import run as run_node

    with utf8_source(args.source) as source:
        values = {p.name: getattr(args, p.name) for p in PLAYER} | {"source": source}
        run_node(PlayerNode, ["--ros-args", *parameter_arguments(values)])
    return 0
