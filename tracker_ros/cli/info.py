"""`tracker-ros info`: a model's size, facts and files."""

import argparse
import json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model", nargs="?", default="dastm", help="a shipped name, or a weights file (dastm)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    from tracker_ros.cli.common import print_table
    from tracker_ros.engines.info import describe

    description = describe(args.model)
    if args.json:
        print(json.dumps(description, indent=2, default=str))
    else:
        print_table((args.model, ""), _rows(description))
    return 0


def _rows(description: dict, prefix: str = "") -> list[tuple[str, str]]:
    """One row a value; the keys of nested tables are joined by a dot."""
    rows = []
    for key, value in description.items():
        if isinstance(value, dict):
            rows += _rows(value, f"{prefix}{key}.")
        else:
            text = f"{value:,}" if isinstance(value, int) else str(value)
            rows.append((f"{prefix}{key}", text))
    return rows
