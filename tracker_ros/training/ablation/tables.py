"""The scores of an ablation as CSV, JSON, the paper's four tables in Markdown, and a plot."""

from collections.abc import Iterable
from pathlib import Path
from statistics import mean, stdev

from ...core.io.files import UNTOLD, replacing, write_csv, write_json
from ..records.provenance import commit
from .variants import WHOLE, study_of

TESTED = 3  # seeds from which on a spread says something
Scores = list[dict]


def write_tables(out: Path, settings: dict, scores: Scores) -> None:
    """Write ablation.csv, ablation.json, ablation.md and ablation.png into ``out``.

    ``scores``: as ``ablate`` returns them; the tables are of the variants that are there.
    """
    flat = [{name: v for name, v in one.items() if not isinstance(v, dict)} for one in scores]
    names = list(dict.fromkeys(name for one in flat for name in one))
    rows = [[one.get(name, "") for name in names] for one in flat]
    write_csv(out / "ablation.csv", [names, *rows])
    content = {"settings": settings, "commit": commit(), "scores": scores}
    write_json(out / "ablation.json", content)
    with replacing(out / "ablation.md") as part:
        part.write_text(markdown(settings, scores), encoding="utf-8", errors=UNTOLD)
    plot(out / "ablation.png", scores, study_of(settings["architecture"]).baseline)


def markdown(settings: dict, scores: Scores) -> str:
    """The tables, mean ± standard deviation over the seeds, with what they were measured on."""
    seeds = sorted({one["seed"] for one in scores})
    training = settings["training"]
    lines = [
        f"{training['steps']} steps of {training['batch']} samples for each variant, seeds "
        f"{', '.join(map(str, seeds))}; data {', '.join(settings['data'])}; one-pass evaluation on "
        f"{settings['validate']}; start {settings['start'] or settings['backbone'] or 'at random'}."
        " Mean ± standard deviation over the seeds; difference: to the baseline of the same seed.",
        "",
    ]
    if len(seeds) < TESTED:
        lines += [f"**{len(seeds)} of at least {TESTED} seeds: the spread says nothing yet.**", ""]
    study = study_of(settings["architecture"], dict.fromkeys(one["variant"] for one in scores))
    for number, title, rows, columns in study.tables:
        # Memory is measured on a GPU only.
        shown = [c for c in columns if c != "peak_bytes" or any(c in one for one in scores)]
        lines += [f"### Table {number}: {title}", "", *_table(scores, rows, shown, study.baseline)]
        lines.append("")
    return "\n".join(lines)


COLUMNS = {
    "auc": ("AUC", "{:.3f}", 1),
    "difference": ("difference", "{:+.3f}", 1),
    "sr50": ("SR.50", "{:.3f}", 1),
    "sr75": ("SR.75", "{:.3f}", 1),
    "precision": ("precision", "{:.3f}", 1),
    "fps": ("frames/s", "{:.0f}", 1),
    "parameters": ("M parameters", "{:.3f}", 1e6),
    "macs_attention": ("M MACs attention", "{:.3f}", 1e6),
    "macs_memory": ("M MACs a memorised frame", "{:.0f}", 1e6),
    "ms_attention": ("ms attention", "{:.3f}", 1),
    "ms_memory": ("ms a memorised frame", "{:.2f}", 1),
    "high_computation": ("CBAM computed", "{:.1%}", 1),
    "peak_bytes": ("peak GPU memory, MiB", "{:.0f}", 2**20),
}


def _table(
    scores: Scores,
    rows: Iterable[tuple[str, str, str]],
    columns: list[str],
    baseline: tuple[str, str],
) -> list[str]:
    lines = [
        "| | " + " | ".join(COLUMNS[name][0] for name in columns) + " |",
        "|---" * (len(columns) + 1) + "|",
    ]
    for variant, test, title in rows:
        cells = [_cell(values(scores, variant, test, name, baseline), name) for name in columns]
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return lines


def values(
    scores: Scores, variant: str, test: str, column: str, baseline: tuple[str, str] | None = None
) -> list[float]:
    """A column's value for each seed; ``difference`` is the AUC's to ``baseline`` of that seed."""
    chosen = [one for one in scores if (one["variant"], one["test"]) == (variant, test)]
    if column != "difference":
        return [one[column] for one in chosen if column in one]
    base = {one["seed"]: one["auc"] for one in scores if (one["variant"], one["test"]) == baseline}
    return [one["auc"] - base[one["seed"]] for one in chosen if one["seed"] in base]


def _cell(found: list[float], column: str) -> str:
    _, form, unit = COLUMNS[column]
    if not found:
        return "not run"
    text = form.format(mean(found) / unit)
    return f"{text} ± {form.format(stdev(found) / unit).lstrip('+')}" if len(found) > 1 else text


def plot(path: Path, scores: Scores, baseline: tuple[str, str]) -> None:
    """AUC of each variant: a point a seed, their mean and standard deviation."""
    from matplotlib.figure import Figure

    names = list(dict.fromkeys((one["variant"], one["test"]) for one in scores))
    figure = Figure(figsize=(8, 1.2 + 0.38 * len(names)), layout="constrained")
    axis = figure.subplots()
    for place, (variant, test) in enumerate(names):
        found = values(scores, variant, test, "auc")
        spread = stdev(found) if len(found) > 1 else 0.0
        axis.plot(found, [place] * len(found), "o", color="#4c78a8", alpha=0.5, ms=5)
        axis.errorbar(mean(found), place, xerr=spread, fmt="|", color="black", capsize=3, ms=12)
    base = values(scores, *baseline, "auc")
    if base:
        axis.axvline(mean(base), color="#b8bfc6", zorder=0)
    titles = [v if v == t or "@" in v or t == WHOLE else f"{v}, tested {t}" for v, t in names]
    axis.set_yticks(range(len(names)), titles)
    axis.invert_yaxis()
    axis.set(xlabel=f"success AUC; line: {baseline[0]}")
    axis.grid(axis="x", alpha=0.3)
    with replacing(path) as part:
        figure.savefig(part, dpi=110, format="png")
