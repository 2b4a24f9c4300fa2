"""``tracker-ros play``: the player node, with its parameters as options."""

import argparse
import json

from ..nodes.parameters import PLAYER
from ..nodes.parameters.parameter import Parameter


def add_arguments(parser: argparse.ArgumentParser) -> None:
    for parameter in PLAYER:
        if parameter.name == "source":
            parser.add_argument("source", help=parameter.description.removesuffix("; required."))
        elif isinstance(parameter.default, bool):
            parser.add_argument(_option(parameter), action="store_true", help=_help(parameter))
        else:
            parser.add_argument(
                _option(parameter),
                type=type(parameter.default),
                default=parameter.default,
                choices=parameter.choices or None,
                help=_help(parameter),
            )


def run(args: argparse.Namespace) -> int:
    from ..nodes.player_node import PlayerNode
    from ..nodes.process.run import run as run_node

    arguments = ["--ros-args"]
    for parameter in PLAYER:
        # JSON is YAML: it keeps "0" a string and 1.0 a float.
        arguments += ["-p", f"{parameter.name}:={json.dumps(getattr(args, parameter.name))}"]
    run_node(PlayerNode, arguments)
    return 0


def _option(parameter: Parameter) -> str:
    return "--" + parameter.name.replace("_", "-")


def _help(parameter: Parameter) -> str:
    text = parameter.description.replace("`", "").replace("%", "%%")
    return text if parameter.default in ("", False) else f"{text} Default: {parameter.default}."
