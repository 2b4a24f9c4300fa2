"""The report's plots as SVG that stands inside a page and takes its colours from the page's style.

matplotlib draws with placeholder colours, which become CSS variables: so one plot is right in a
light page, a dark page and on paper.
"""

import io
import re
from dataclasses import dataclass
from html import escape

import numpy as np

from ...core.gate import BRANCHES
from ..labels import plain
from ..metrics import iou
from ..results import SequenceResult

PIXELS = np.arange(51)  # thresholds of the precision plot
SERIES = 8  # colours in the page's style; further trackers begin again
BINS = 240  # points over time that a small plot can show

_INK, _FAINT, _LOST, _SCORE, _OVERLAP = "#010101", "#010102", "#010103", "#010104", "#010105"
_VARIABLES = {_INK: "ink", _FAINT: "line", _LOST: "lost", _SCORE: "score", _OVERLAP: "overlap"}
_VARIABLES |= {f"#01020{i}": f"series-{i}" for i in range(SERIES)}
_VARIABLES |= {f"#01030{i}": f"gate-{name}" for i, name in enumerate(BRANCHES)}
_DASHES = ("-", "--", "-.", ":")
_MARKERS = "osD^vP*X"


@dataclass(frozen=True)
class Line:
    """One tracker in a plot. index: its place among the trackers, which gives it its colour."""

    name: str
    index: int
    values: np.ndarray
    label: float


def speed_plot(lines: list[Line], measure: str) -> str:
    """Accuracy over frames/s; ``Line.values``: [frames/s], ``Line.label``: the accuracy."""
    from matplotlib.ticker import LogLocator

    figure, (axis,) = _figure(4.4, 3.3)
    for line in lines:
        at = line.values[0], line.label
        axis.plot(*at, _MARKERS[line.index % SERIES], color=_series(line), ms=8, mew=0)
        axis.annotate(
            plain(line.name), at, (0, 8), textcoords="offset points", ha="center", color=_INK
        )
    speeds = [line.values[0] for line in lines]
    axis.set_xscale("log")
    axis.set_xlim(min(speeds) / 2, max(speeds) * 2)
    few = max(speeds) < 20 * min(speeds)
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if few else (1,)))
    axis.xaxis.set_major_formatter("{x:g}")
    axis.xaxis.set_minor_formatter("")
    axis.set(xlabel="frames/s of the tracker alone", ylabel=measure, ylim=(0, 1))
    return _svg(figure, f"{measure} over speed")


def interval_plot(
    titles: list[str], values: np.ndarray, low: np.ndarray, high: np.ndarray, name: str
) -> str:
    """Differences of several measures with their intervals, beside 0; arrays of shape [M]."""
    figure, (axis,) = _figure(6, 0.8 + 0.4 * len(titles), left=1.1)
    axis.axvline(0, color=_INK, lw=1)
    rows = np.arange(len(titles))
    # Of equal differences the interval is a point, which rounding may set beside their mean.
    middle, half = (low + high) / 2, (high - low) / 2
    axis.errorbar(middle, rows, xerr=half, fmt="none", color="#010200", capsize=5, lw=2)
    axis.plot(values, rows, "o", color="#010200", ms=7)
    axis.set_yticks(rows, titles)
    axis.set(ylim=(len(titles) - 0.5, -0.5), xlabel="B − A")
    axis.margins(x=0.15)
    return _svg(figure, f"{name}: differences with their intervals")


def timeline(result: SequenceResult, title: str) -> str:
    """Overlap, score and gate weights of one run over its frames."""
    frames = np.arange(1, len(result) + 1)
    present = ~np.isnan(result.truth).any(1)
    overlap = np.where(present, iou(result.boxes, result.truth), np.nan)
    gated = not np.isnan(result.gates).all()
    figure, axes = _figure(4.4, 2.3 if gated else 1.6, (2, 1) if gated else (1,))
    x = _binned(frames)
    axes[0].plot(x, _binned(overlap), color=_OVERLAP, lw=1.4)
    axes[0].plot(x, _binned(result.scores), color=_SCORE, lw=1)
    # What lasts one frame must be seen, too: any frame of a bin counts, and ``where`` would drop
    # it.
    for which, colour, low in ((~present, _FAINT, 0), (result.lost, _LOST, 0.94)):
        high = np.where(_binned(which) > 0, 1, low)
        axes[0].fill_between(x, low, high, step="mid", color=colour, lw=0)
    axes[0].set(ylim=(-0.04, 1.02), yticks=(0, 0.5, 1), xlim=(1, max(len(result), 2)))
    if gated:
        axes[0].tick_params(labelbottom=False)
        weights = np.apply_along_axis(_binned, 0, np.nan_to_num(result.gates.astype(float))).T
        axes[1].stackplot(x, weights, colors=[f"#01030{i}" for i in range(len(BRANCHES))], lw=0)
        axes[1].set(ylim=(0, 1), yticks=(0, 1), xlim=(1, max(len(result), 2)))
    axes[-1].set_xlabel("frame")
    return _svg(figure, f"{title}: overlap, score{' and gate weights' * gated} over frames")


def curves(lines: list[Line], x: np.ndarray, xlabel: str, ylabel: str, legend: str) -> str:
    """A share for each tracker over ``x``, as many numbers as ``Line.values``; NaN is left out."""
    figure, (axis,) = _figure(4.4, 3.3)
    for line in sorted(lines, key=lambda line: -line.label):
        axis.plot(
            x,
            line.values,
            color=_series(line),
            lw=1.8,
            ls=_DASHES[line.index % len(_DASHES)],
            label=f"{plain(line.name)}  {line.label:.3f}",
        )
    axis.set(xlabel=xlabel, ylabel=ylabel, xlim=(x[0], max(x[-1], x[0] + 1)), ylim=(0, 1))
    axis.legend(loc=legend, frameon=False, fontsize=9, labelcolor=_INK)
    return _svg(figure, f"{ylabel} over {xlabel}")


def _series(line: Line) -> str:
    return f"#01020{line.index % SERIES}"


def _binned(values: np.ndarray) -> np.ndarray:
    """Means over at most BINS stretches of about the same length; NaN only where all are NaN."""
    values = np.asarray(values, float)
    edges = np.linspace(0, len(values), min(BINS, len(values)) + 1).astype(int)[:-1]
    known = ~np.isnan(values)
    sums = np.add.reduceat(np.where(known, values, 0), edges)
    counts = np.add.reduceat(known.astype(float), edges)
    return np.divide(sums, counts, out=np.full(len(edges), np.nan), where=counts > 0)


def _figure(width: float, height: float, height_ratios=(1,), left: float = 0.52):
    """A figure of so many inches, with axes below each other; left: inches for their labels."""
    from matplotlib.figure import Figure

    figure = Figure((width, height))
    grid = {"left": left / width, "right": 1 - 0.1 / width, "top": 1 - 0.1 / height}
    grid |= {"bottom": 0.48 / height, "hspace": 0.16, "height_ratios": height_ratios}
    axes = figure.subplots(len(height_ratios), squeeze=False, gridspec_kw=grid)[:, 0]
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.spines[["left", "bottom"]].set_color(_INK)
        axis.tick_params(colors=_INK, labelsize=9, which="both")
        axis.grid(color=_FAINT, lw=0.6)
        axis.set_axisbelow(True)
        axis.xaxis.label.set_color(_INK)
        axis.yaxis.label.set_color(_INK)
    return figure, axes


def _svg(figure, title: str) -> str:
    """title: what the plot shows, for those who do not see it; differs from other plots' titles."""
    import matplotlib

    file = io.StringIO()
    # Marks and clip paths are named by a hash: with the title as salt it is unique in the page.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": ascii(title)}):
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    svg = file.getvalue()
    svg = re.sub(r"<(metadata|style).*?</\1>", "", svg[svg.index("<svg") :], flags=re.S)
    svg = re.sub(r'(width|height)="[\d.]+pt" ', "", svg, count=2)  # the page's style gives these
    svg = re.sub(r' id="\w+[._]\d+"', "", svg)  # names of groups, the same in every plot
    svg = re.sub(r"font-family: [^;\"]+;? ?|transform=\"rotate\(-0 [^\"]+\"", "", svg)
    svg = re.sub(r' d="[^"]+"', lambda d: re.sub(r"(\.\d)\d+", r"\1", d[0]), svg)  # half the size
    for colour, name in _VARIABLES.items():
        svg = svg.replace(colour, f"var(--{name})")
    return svg.replace("<svg ", f'<svg role="img" aria-label="{escape(title)}" ', 1)
