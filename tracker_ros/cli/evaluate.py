"""`tracker-ros evaluate`: one-pass evaluation on OTB folders, with peers in the same run."""

import argparse
from functools import partial
from pathlib import Path

from tracker_ros.cli import common
from tracker_ros.core.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths",
        nargs="+",
        type=Path,
        metavar="PATH",
        help="an OTB sequence (img/ and groundtruth_rect.txt), or a folder of such",
    )
    parser.add_argument(
        "--peer",
        type=_names,
        default=[],
        metavar="NAME,…",
        help="OpenCV's trackers to run beside ours: csrt, kcf, mil, mosse",
    )
    parser.add_argument("--peers-only", action="store_true", help="leave our tracker out")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write all results as JSON")
    common.add_tracker_arguments(parser)


def run(args: argparse.Namespace) -> int:
    from tracker_ros.evaluation.peers import Peer
    from tracker_ros.evaluation.runner import evaluate
    from tracker_ros.evaluation.sequences import find_sequences

    sequences = [sequence for path in args.paths for sequence in find_sequences(path)]
    names = [sequence.name for sequence in sequences]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"several sequences have the name {twice[0]!r}")
    trackers = {}
    if not args.peers_only:
        trackers[Path(args.model).stem] = common.tracker_from(args)
    trackers |= {name: Peer(name) for name in args.peer}
    if not trackers:
        raise InputError("--peers-only needs at least one --peer")

    report = {
        "protocol": "OTB one-pass evaluation",
        "paths": [str(path) for path in args.paths],
        "environment": common.environment(),
        "trackers": {},
    }
    with common.progress_bar() as bar:
        frames = sum(map(len, sequences))
        tasks = {name: bar.add_task(name, total=frames) for name in trackers}
        for name, tracker in trackers.items():
            advance = partial(bar.advance, tasks[name])
            result = evaluate(lambda tracker=tracker: tracker, sequences, advance)
            engine = getattr(tracker, "engine", None)
            about = {"provider": engine.provider, "facts": engine.facts} if engine else {}
            report["trackers"][name] = about | result
            if args.json:  # after each tracker, so that Ctrl-C leaves what is done
                common.write_json(args.json, report)
    _print(report["trackers"])
    return 0


def _names(text: str) -> list[str]:
    return [name.strip().lower() for name in text.split(",") if name.strip()]


def _print(trackers: dict[str, dict]) -> None:
    cells = [result["per_sequence"] | {"mean": result} for result in trackers.values()]
    rows = ([name, *(_cell(column[name]) for column in cells)] for name in cells[0])
    common.print_table(("AUC / precision / frames/s", *trackers), rows)


def _cell(row: dict) -> str:
    return f"{row['auc']:.3f} / {row['precision']:.3f} / {row['fps'] or float('nan'):.0f}"
