"""Reports that people look at: one page for an evaluation, and its numbers as JSON and CSV."""

import json
from pathlib import Path

from ...core.io.files import replacing
from ..compare import Comparison
from . import comparison, content, numbers
from .page import write_page


def write_report(folder: str | Path) -> Path:
    """Write report.html, results.json and results.csv into an evaluation's folder.

    Returns the page's path. Raises SourceError where there is nothing to report.
    """
    folder = Path(folder)
    loaded = numbers.load(folder)
    summary = numbers.summarise(loaded)
    with replacing(folder / "results.json") as part:
        part.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    numbers.write_csv(folder / "results.csv", loaded, summary)
    page = folder / "report.html"
    write_page(page, "report.html", **content.of_report(loaded, summary))
    return page


def write_comparison(path: Path, comparisons: list[Comparison]) -> None:
    """Write one page for comparisons of two folders' trackers."""
    write_page(path, "compare.html", **comparison.of_comparison(comparisons))
