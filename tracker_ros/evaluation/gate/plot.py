"""The gate's decisions as a picture: stacked bars for sequences and conditions."""

from pathlib import Path
from textwrap import fill

import numpy as np

from ...core.gate import BRANCHES
from ...core.io.files import replacing
from ...runtime.outputs.colours import BRANCH_COLOURS
from ..labels import plain
from .report import BranchTable, GateReport


def plot_gate(report: GateReport, path: Path) -> None:
    """Write a PNG of a report's tables."""
    from matplotlib.figure import Figure

    tables = report.conditions
    rows = max(len(report.sequences.rows), sum(len(table.rows) + 2 for table in tables))
    figure = Figure(figsize=(13, 1.5 + 0.32 * rows), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(1, 1))
    _bars(left.subplots(), report.sequences)
    heights = [len(table.rows) + 1 for table in tables]
    axes = right.subplots(len(tables), 1, height_ratios=heights, squeeze=False)[:, 0]
    for axis, table in zip(axes, tables, strict=True):
        _bars(axis, table)
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(BRANCHES), frameon=False)
    figure.suptitle(fill(f"{plain(report.tracker)}: {report.verdict}", 110), fontsize=10)
    with replacing(path) as part:
        figure.savefig(part, dpi=110, format="png")


def _bars(axis, table: BranchTable) -> None:
    places, start = np.arange(len(table.rows)), np.zeros(len(table.rows))
    shares = table.shares(table.counts)
    for index, name in enumerate(BRANCHES):
        axis.barh(places, shares[:, index], left=start, color=BRANCH_COLOURS[index], label=name)
        start = start + shares[:, index]
    if not (table.counts == table.expected).all():
        ends = table.shares(table.expected).cumsum(1)[:, :-1]
        label = "expected from the sequences alone"
        axis.plot(ends, places, "k|", ms=9, label=[label, *["_"] * (ends.shape[1] - 1)])
    names = [f"{plain(row)} ({n})" for row, n in zip(table.rows, table.totals, strict=True)]
    axis.set_yticks(places, names)
    axis.invert_yaxis()
    axis.set(xlim=(0, 1), title=f"{table.title} (memorised frames)")
    axis.title.set_fontsize(9)
    axis.tick_params(labelsize=8)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
