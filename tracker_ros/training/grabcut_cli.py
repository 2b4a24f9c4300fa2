"""`tracker-ros cut-out`: masks for stills that have none, as a shard for `train` to paste from."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", type=Path, metavar="FOLDER", help="training shards")
    parser.add_argument("--kind", default="voc", help="of the stills (default: %(default)s)")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="where cutouts-0.tar goes (default: the shards' own folder); `train` pastes from it if"
        " it lies with the other shards and --weights names it, as in cutouts=0",
    )


def run(args: argparse.Namespace) -> int:
    from ..cli.common import progress_bar
    from .grabcut import KIND, write_cutouts

    target = (args.out or args.data) / f"{KIND}-0.tar"
    with progress_bar() as bar:
        task = bar.add_task("cutting out", total=None)
        cut, total = write_cutouts(
            args.data,
            args.kind,
            target,
            lambda done, total: bar.update(task, completed=done, total=total),
        )
    print(f"{target}: {cut} of {total} objects")
    return 0
