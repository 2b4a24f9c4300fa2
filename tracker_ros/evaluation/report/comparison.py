"""Content of the page of a comparison."""

import numpy as np

from ..compare import CONFIDENCE, RESAMPLES, Comparison
from . import plots


def of_comparison(comparisons: list[Comparison]) -> dict:
    """The variables of the template ``compare.html``."""
    shown = [_comparison(comparison) for comparison in comparisons]
    names = [one["name"] for one in shown]
    return {
        "title": f"Comparison: {', '.join(names)}",
        "sections": [(f"comparison-{i}", name) for i, name in enumerate(names, 1)],
        "comparisons": shown,
        "confidence": round(100 * CONFIDENCE),
        "resamples": RESAMPLES,
    }


def _comparison(it: Comparison) -> dict:
    name = " and ".join(dict.fromkeys((it.a.tracker, it.b.tracker)))
    known = not np.isnan(it.low).any()
    difference = it.overall_b - it.overall_a
    rows = [
        {
            "title": title,
            "a": it.overall_a[i],
            "b": it.overall_b[i],
            "interval": (it.low[i], it.high[i]) if known else None,
            "verdict": it.verdict(i),
        }
        for i, title in enumerate(it.titles)
    ]
    cells = np.stack((it.scores_a, it.scores_b), 2).tolist()
    return {
        "it": it,
        "name": name,
        "rows": rows,
        "columns": [f"{title} {what}" for title in it.titles for what in ("A", "B", "B − A")],
        "sequences": list(zip(it.sequences, cells, strict=True)),
        "svg": plots.interval_plot(it.titles, difference, it.low, it.high, name) if known else "",
    }
