"""``tracker-ros info``: a model's size, facts and files, and its paper's figures beside them."""

import argparse
import json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model",
        nargs="?",
        default="dastm",
        help="a shipped name, a weights file, or the name of a network to train (dastm)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    from ...engines.models.info import describe
    from ..common.terminal import print_table

    description = describe(args.model)
    if args.json:
        print(json.dumps(description, indent=2, default=str))
    else:
        pinned = description.pop("paper")
        theirs = {place: _text(both["paper"]) for place, both in pinned.items()}
        rows = [(name, text, theirs.get(name, "")) for name, text in _rows(description)]
        print_table((args.model, "ours", "paper"), rows)
    return 0


def _rows(description: dict, prefix: str = "") -> list[tuple[str, str]]:
    """One row a value; the keys of nested tables are joined by a dot."""
    rows = []
    for key, value in description.items():
        if isinstance(value, dict):
            rows += _rows(value, f"{prefix}{key}.")
        else:
            rows.append((f"{prefix}{key}", _text(value)))
    return rows


def _text(value) -> str:
    return f"{value:,}".removesuffix(".0") if type(value) in (int, float) else str(value)
