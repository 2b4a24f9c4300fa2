"""``tracker-ros compare``: the difference between two evaluations, and whether it is one."""

import argparse
import math

from ...core.errors import require, some
from ..common.arguments import path_argument
from ..common.outputs import REPORT, check_outputs
from ..common.terminal import print_table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    for name in ("a", "b"):
        parser.add_argument(
            name,
            type=path_argument,
            metavar=name.upper(),
            help="an evaluation's folder (what `evaluate --out` wrote), or FOLDER/TRACKER",
        )
    parser.add_argument("--html", type=path_argument, metavar="PATH", help="write a page, too")


def run(args: argparse.Namespace) -> int:
    from ...evaluation.compare import compare, pair
    from ...evaluation.report import write_comparison
    from ...evaluation.results import FILE

    if args.html:
        require(*REPORT)
    sides = pair(args.a, args.b)
    folders = [side.folder for both in sides for side in both]
    scores = [folder / name for folder in folders for name in (FILE, "results.json")]
    check_outputs([args.a, args.b, *scores], {"--html": args.html})
    comparisons = [compare(a, b) for a, b in sides]
    for comparison in comparisons:
        _print(comparison)
    if args.html:
        args.html.parent.mkdir(parents=True, exist_ok=True)
        write_comparison(args.html, comparisons)
    return 0


def _print(comparison) -> None:
    from ...evaluation.compare import CONFIDENCE, RESAMPLES

    it, differences = comparison, comparison.scores_b - comparison.scores_a
    print(f"A: {it.a.label}\nB: {it.b.label}")
    scores = zip(it.sequences, it.scores_a, it.scores_b, differences, strict=True)
    print_table(
        ("sequence", *it.titles),
        (
            (name, *(f"{a:.3f} → {b:.3f} ({d:+.3f})" for a, b, d in zip(*row, strict=True)))
            for name, *row in scores
        ),
    )
    print_table(
        ("all", "A", "B", "B − A", f"{CONFIDENCE:.0%} interval", "which says"),
        (
            (title, f"{a:.3f}", f"{b:.3f}", f"{b - a:+.3f}", _interval(low, high), it.verdict(i))
            for i, (title, a, b, low, high) in enumerate(
                zip(it.titles, it.overall_a, it.overall_b, it.low, it.high, strict=True)
            )
        ),
    )
    print(f"{len(it.sequences)} sequences, {RESAMPLES} resamples of them")
    for side, names in (("A", it.only_a), ("B", it.only_b)):
        if names:
            print(f"left out, only in {side}: {some(names)}")


def _interval(low: float, high: float) -> str:
    return "–" if math.isnan(low) else f"{low:+.3f} … {high:+.3f}"
