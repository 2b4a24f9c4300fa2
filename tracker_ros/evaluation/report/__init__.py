"""Reports that people look at: one page for an evaluation, and its numbers as JSON and CSV."""

from pathlib import Path

from ...core.io.files import write_json
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
    write_json(folder / "results.json", summary)
    numbers.write_numbers(folder / "results.csv", loaded, summary)
    page = folder / "report.html"
    write_page(page, "report.html", **content.of_report(loaded, summary))
    return page


def write_comparison(path: Path, comparisons: list[Comparison]) -> None:
    """Write one page for comparisons of two folders' trackers."""
    write_page(path, "compare.html", **comparison.of_comparison(comparisons))
