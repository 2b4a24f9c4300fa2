"""VOT's page: its numbers have neither the one-pass protocols' curves nor their frames."""

from pathlib import Path

import numpy as np

from ...core.io.files import write_csv, write_json
from ..vot.measures import EAO_LENGTHS
from ..vot.scores import TITLE
from . import plots
from .content import Grid, Row, rows
from .page import write_page

COLUMNS = ("accuracy", "failures", "robustness", "frames", "fps")
SECTIONS = {
    "overview": "Overview",
    "sequences": "Sequences",
    "tags": "Tags",
    "run": "How it was run",
}


def write_vot_report(folder: Path, numbers: dict) -> Path:
    """Write report.html, results.json and results.csv into ``folder``; returns the page's path.

    numbers: {"dataset", "protocol", "paths", "hardware", "commands", "trackers": {name:
    {"settings", "facts", and what ``vot.scores.summary`` gives}}}.
    """
    write_json(folder / "results.json", numbers)
    table = [
        (name, sequence, *(row[column] for column in COLUMNS))
        for name, about in numbers["trackers"].items()
        for sequence, row in about["per_sequence"].items()
    ]
    write_csv(folder / "results.csv", [("tracker", "sequence", *COLUMNS), *table])
    page = folder / "report.html"
    write_page(page, "vot.html", **_content(numbers))
    return page


def _content(numbers: dict) -> dict:
    trackers = numbers["trackers"]
    first = next(iter(trackers.values()))
    return {
        "title": f"VOT evaluation: {', '.join(trackers)}",
        "sections": SECTIONS.items(),
        "protocol": TITLE,
        "numbers": numbers,
        "trackers": list(trackers),
        "frames": first["frames"],
        "best": {
            measure: max(
                (t[measure] for t in trackers.values() if t[measure] is not None), default=None
            )
            for measure in ("accuracy", "eao")
        },
        "least": min(t["failures"] for t in trackers.values()),
        "plots": _plots(trackers),
        "tables": {
            "sequences": _tables("sequence", [t["per_sequence"] for t in trackers.values()]),
            "tags": _tables("tag", [t["per_tag"] for t in trackers.values()]),
        },
    }


def _tables(kind: str, columns: list[dict]) -> tuple[Grid, list[Row]] | None:
    """Accuracy, and failures, of each sequence or tag, trackers side by side."""
    if not columns[0]:
        return None
    return Grid("A", kind, rows(columns, "accuracy", "frames")), rows(columns, "failures", "frames")


def _plots(trackers: dict) -> list[dict]:
    # Of trackers that were never started the curves are empty.
    longest = max(2, *(len(about["eao_curve"]) for about in trackers.values()))
    curves, speeds = [], []
    for i, (name, about) in enumerate(trackers.items()):
        values = np.full(longest, np.nan)
        values[: len(about["eao_curve"])] = about["eao_curve"]
        eao = np.nan if about["eao"] is None else about["eao"]
        curves.append(plots.Line(name, i, values[1:], eao))
        speeds.append(plots.Line(name, i, np.array([about["fps"]]), about["accuracy"]))
    low, high = EAO_LENGTHS
    axes = np.arange(1, longest), "length [frames]", "expected average overlap", "upper right"
    return [
        {
            "svg": plots.curves(curves, *axes),
            "caption": "Expected average overlap of a sequence over its length. In the key: EAO,"
            f" the mean over {low} to {high} frames as far as the curve goes; nan: it ends before.",
        },
        {
            "svg": plots.speed_plot(speeds, "A"),
            "caption": "Accuracy and speed: A over frames/s, of this run and machine.",
        },
    ]
