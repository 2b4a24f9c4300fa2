"""One picture of a benchmark: trackers, stages, the node, and cost as things grow."""

from pathlib import Path

from ...core.io.files import replacing
from ..labels import plain
from .tables import STAGES


def draw(report: dict, path: Path) -> None:
    """Write a PNG of the parts that were measured."""
    from matplotlib.figure import Figure

    sweeps = {name: points for name, points in report.get("sweeps", {}).items() if points}
    panels = 2 * ("trackers" in report) + ("node" in report) + len(sweeps)
    rows = max(-(-panels // 2), 1)
    figure = Figure(figsize=(11, 3.4 * rows), layout="constrained")
    axes = iter([figure.add_subplot(rows, 2, i + 1) for i in range(panels)])
    if "trackers" in report:
        _trackers(next(axes), report["trackers"])
        _stages(next(axes), report["trackers"])
    if "node" in report:
        _node(next(axes), report["node"])
    for name, points in sweeps.items():
        _sweep(next(axes), name, points)
    width, height = report["picture"]
    source = plain(report["source"])
    figure.suptitle(f"{source}, {width}x{height}, on {report['hardware']['cpu']}")
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as part:
        figure.savefig(part, format="png", dpi=120)


def _trackers(axis, trackers: dict) -> None:
    names = list(trackers)[::-1]
    ratios = [trackers[name]["speed_over_csrt"] for name in names]
    names = list(map(plain, names))
    axis.bar_label(axis.barh(names, ratios), [f"{ratio:.2f}" for ratio in ratios], padding=3)
    axis.set_xlabel("speed over CSRT")
    axis.margins(x=0.15)


def _stages(axis, trackers: dict) -> None:
    ours = [name for name, result in trackers.items() if result["stages"]][::-1]
    left = [0.0] * len(ours)
    for stage, label in STAGES.items():
        if stage == "box":  # the sum of those before it
            continue
        taken = [trackers[name]["stages"].get(stage, {"share": 0.0})["share"] for name in ours]
        axis.barh(list(map(plain, ours)), taken, left=left, label=label)
        left = [a + b for a, b in zip(left, taken, strict=True)]
    axis.set_xlabel("share of a frame's time")
    axis.legend(fontsize="small", ncols=4, loc="lower center", bbox_to_anchor=(0.5, 1.0))


def _node(axis, node: dict) -> None:
    for place, key in ((0.2, "p50"), (-0.2, "p99")):
        heights = [i + place for i in range(len(node))]
        taken = [r["latency_ms"][key] for r in node.values()]
        axis.bar_label(axis.barh(heights, taken, 0.4, label=key), fmt="%.1f", padding=3)
    axis.set_yticks(range(len(node)), list(map(plain, node)))
    axis.set_xlabel("image message → detection message [ms]")
    axis.margins(x=0.15)
    axis.legend(fontsize="small")


def _sweep(axis, name: str, points: list[dict]) -> None:
    x = [point["x"] for point in points]
    for key, style in (("p50", "o-"), ("p99", ":")):
        axis.plot(x, [point[key] for point in points], style, label=key)
    axis.set_xscale("log")
    axis.set_xticks(x, [f"{value:.3g}" if value < 1000 else f"{value:,}" for value in x])
    axis.minorticks_off()
    axis.set_ylim(bottom=0)
    axis.set_xlabel(f"{name} [megapixels]" if name == "image size" else name)
    axis.set_ylabel("ms for one image")
    axis.legend(fontsize="small")
