"""Content of the report's page, made from its numbers."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ...core.gate import BRANCHES
from .. import metrics
from ..protocols import TITLES
from . import moments, plots
from .numbers import Loaded


def best_of(values: Iterable[float | None]) -> float | None:
    """The highest of several; None of less than two."""
    known = [value for value in values if value is not None]
    return max(known) if len(known) > 1 else None


@dataclass(frozen=True)
class Row:
    """A table's line of shares in [0, 1] or None, one for each tracker."""

    name: str
    cells: list[float | None]
    note: str = ""

    @property
    def best(self) -> float | None:
        return best_of(self.cells)


@dataclass(frozen=True)
class Grid:
    """A table of shares, trackers side by side. kind: what its lines are."""

    caption: str
    kind: str
    rows: list[Row]
    foot: Row | None = None


def of_report(loaded: Loaded, numbers: dict) -> dict:
    """The variables of the template ``report.html``; ``numbers``: of ``numbers.summarise``."""
    evaluation, protocol = loaded.evaluation, loaded.protocol
    trackers = numbers["trackers"]
    # Peers have no facts. What is ours is shown over time and in pictures.
    ours = [name for name, about in trackers.items() if about["facts"]]
    scored = bool(protocol.measures)
    counts = next(iter(trackers.values()))["per_sequence"].values()
    sections = {
        "overview": "Overview",
        **({"sequences": "Sequences", "attributes": "Attributes"} if scored else {}),
        "time": "Over time",
        **({"moments": "Moments", "failures": "Failures"} if scored else {}),
        "run": "How it was run",
    }
    return {
        "title": f"Tracker evaluation: {', '.join(trackers)}",
        "sections": sections.items(),
        "trackers": list(trackers),
        "protocol": protocol,
        "numbers": numbers,
        "frames": sum(row["frames"] for row in counts),
        "absent": sum(row["absent"] for row in counts),
        "planned": len(evaluation.sequences),
        "unfinished": [
            (name, done)
            for name, done in loaded.finished.items()
            if done < len(evaluation.sequences)
        ],
        "titles": [TITLES[measure] for measure in protocol.measures],
        "overview": _overview(trackers, protocol.measures),
        "plots": _plots(loaded, trackers) if scored else [],
        "per_sequence": [_sequences(trackers, m) for m in protocol.measures],
        "per_attribute": _attributes(trackers, protocol.measures) if scored else None,
        "timelines": [(name, _timelines(loaded, trackers, name)) for name in ours],
        "gated": any((r.branches >= 0).any() for n in ours for r in loaded.results[n].values()),
        "branches": BRANCHES,
        "moments": [
            (name, zip(("worst", "best"), moments.find_moments(loaded, name), strict=True))
            for name in ours or trackers
        ]
        if scored
        else [],
        "window": moments.WINDOW,
        "picture_width": moments.WIDTH,
        "failures": [
            (name, failure) for name, about in trackers.items() for failure in about["failures"]
        ],
        "failure_frames": metrics.FAILURE,
        "evaluation": {
            "data set": evaluation.dataset,
            "read from": evaluation.paths,
            "protocol": evaluation.protocol,
        },
        "commands": evaluation.commands,
    }


def _overview(trackers: dict, measures: tuple[str, ...]) -> list[dict]:
    best = {m: best_of(about[m] for about in trackers.values()) for m in measures}
    fastest = best_of(about["fps"] for about in trackers.values())
    return [
        {
            "name": name,
            "shares": [{"value": about[m], "best": about[m] == best[m]} for m in measures],
            "fps": _number(about["fps"], 1),
            "fastest": about["fps"] is not None and about["fps"] == fastest,
            "p50": _number(about["ms"]["p50"], 2),
            "p99": _number(about["ms"]["p99"], 2),
            "failures": len(about["failures"]) if measures else "–",
            "runs_on": about["settings"].get("provider", "OpenCV"),
        }
        for name, about in trackers.items()
    ]


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def rows(columns: list[dict], measure: str, counted: str) -> list[Row]:
    """A line for each sequence, attribute or tag.

    columns: of each tracker what it scored, by name. counted: the count that is noted beside it.
    """
    notes = {name: f"{about[counted]} {counted}" for name, about in columns[0].items()}
    return [Row(name, [c[name][measure] for c in columns], note) for name, note in notes.items()]


def _sequences(trackers: dict, measure: str) -> Grid:
    columns = [about["per_sequence"] for about in trackers.values()]
    foot = Row("overall", [about[measure] for about in trackers.values()])
    return Grid(TITLES[measure], "sequence", rows(columns, measure, "frames"), foot)


def _attributes(trackers: dict, measures: tuple[str, ...]) -> list[Grid]:
    columns = [about["attributes"] for about in trackers.values()]
    grids = (Grid(TITLES[m], "attribute", rows(columns, m, "sequences")) for m in measures)
    return list(grids) if columns[0] else []


def _plots(loaded: Loaded, trackers: dict) -> list[dict]:
    success, precision, speed = [], [], []
    headline = loaded.protocol.measures[0]
    for i, (name, results) in enumerate(loaded.results.items()):
        frames = [loaded.protocol.frames(result) for result in results.values()]
        curve = _curve(loaded, [f.overlap for f in frames], metrics.SUCCESS_THRESHOLDS, np.greater)
        success.append(plots.Line(name, i, curve, curve.mean()))
        curve = _curve(loaded, [f.error for f in frames], plots.PIXELS, np.less_equal)
        precision.append(plots.Line(name, i, curve, curve[int(metrics.PRECISION_PIXELS)]))
        if fps := trackers[name]["fps"]:
            speed.append(plots.Line(name, i, np.array([fps]), trackers[name][headline]))
    overlap = metrics.SUCCESS_THRESHOLDS, "overlap threshold", "success rate", "upper right"
    distance = plots.PIXELS, "centre error threshold [px]", "precision", "lower right"
    drawn = [
        (
            plots.curves(success, *overlap),
            "Success: the share of frames whose overlap is above each"
            " threshold. In the key: the area under the curve.",
        ),
        (
            plots.curves(precision, *distance),
            "Precision: the share of frames whose centre is within"
            " each distance of the truth's. In the key: at 20 pixels.",
        ),
    ]
    if speed:
        caption = f"Accuracy and speed: {TITLES[headline]} over frames/s, of this run and machine."
        drawn.append((plots.speed_plot(speed, TITLES[headline]), caption))
    return [{"svg": svg, "caption": caption} for svg, caption in drawn]


def _curve(loaded: Loaded, values: list[np.ndarray], thresholds: np.ndarray, passes) -> np.ndarray:
    """The share of frames that pass each threshold, over sequences or all frames as they count."""
    if loaded.protocol.pooled:
        values = [np.concatenate(values)]
    return np.mean([passes(v[:, None], thresholds).mean(0) for v in values], axis=0)


def _timelines(loaded: Loaded, trackers: dict, tracker: str) -> list[dict]:
    headline = loaded.protocol.measures[:1]
    return [
        {
            "name": name,
            "value": next((trackers[tracker]["per_sequence"][name][m] for m in headline), None),
            "svg": plots.timeline(result, f"{tracker} on {name}"),
        }
        for name, result in loaded.results[tracker].items()
    ]
