"""``tracker-ros gate-report``: the gate's choices by sequence, motion and occlusion."""

import argparse

from ...core.errors import InputError, require
from ...core.io.files import write_json
from ..common.arguments import add_paths, name_argument, path_argument
from ..common.outputs import check_outputs
from ..common.terminal import print_table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder",
        type=path_argument,
        metavar="FOLDER",
        help="an evaluation: what `evaluate --out` wrote",
    )
    parser.add_argument(
        "--tracker",
        type=name_argument,
        metavar="NAME",
        help="only this one of the evaluation's trackers",
    )
    text = "where gate-TRACKER.json and .png go (default: the evaluation's folder)"
    add_paths(parser, {"--out FOLDER": text})


def run(args: argparse.Namespace) -> int:
    from ...evaluation.gate.plot import plot_gate
    from ...evaluation.gate.report import gate_report
    from ...evaluation.results import FILE, load_evaluation, load_results

    require("matplotlib")
    trackers = load_evaluation(args.folder).trackers
    if args.tracker and args.tracker not in trackers:
        raise InputError(
            f"{args.folder} has no tracker {args.tracker!r}, but {', '.join(trackers)}"
        )
    out, gated = args.out or args.folder, 0
    # Peers have no facts, and no gate.
    ours = [name for name, about in trackers.items() if about["facts"]]
    for name in [args.tracker] if args.tracker else ours:
        results = list(load_results(args.folder, name))
        if not args.tracker and all((result.branches < 0).all() for result in results):
            continue  # another of ours without a gate
        gated += 1
        ends = {end: out / f"gate-{name}.{end}" for end in ("json", "png")}
        written = {path.name: path for path in ends.values()}
        check_outputs([args.folder / FILE, args.folder / name], written)
        report = gate_report(name, results)
        write_json(ends["json"], report.to_dict())
        plot_gate(report, ends["png"])
        for table in (report.sequences, *report.conditions):
            _print(table)
        print(f"{name}: {report.verdict}")
        print(ends["png"])
    if not gated:
        raise InputError(f"{args.folder} holds no tracker with a gate")
    return 0


def _print(table) -> None:
    from ...core.gate import BRANCHES

    shares, expected = table.shares(table.counts), table.shares(table.expected)
    plain = (table.counts == table.expected).all()
    cells = (
        [f"{a:.0%}" if plain else f"{a:.0%} ({b:.0%})" for a, b in zip(*pair, strict=True)]
        for pair in zip(shares, expected, strict=True)
    )
    print_table(
        (table.title, "frames", *BRANCHES),
        (
            (row, total, *(these if total else "–" * len(BRANCHES)))
            for row, total, these in zip(table.rows, table.totals, cells, strict=True)
        ),
    )
    print(table.note + ("" if plain else "; in brackets what the sequences' own shares would give"))
