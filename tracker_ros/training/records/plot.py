"""The course of a training as a picture."""

import csv
from pathlib import Path

from ...core.io.files import replacing
from .checkpoint import writing


def plot_losses(folder: Path) -> None:
    """Draw ``log.csv`` and ``validation.csv`` of a run into ``loss.png``, nothing without rows.

    Raises TrackerError if it cannot be written.
    """
    losses, scores = _columns(folder / "log.csv"), _columns(folder / "validation.csv")
    if not losses and not scores:
        return
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 7), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True)
    for name in ("total", "classification", "centerness", "box"):
        if name in losses:
            top.plot(losses["step"], losses[name], label=name, lw=2 if name == "total" else 1)
    top.set(ylabel="loss", yscale="log")
    if "overlap" in losses:
        bottom.plot(losses["step"], losses["overlap"], label="IoU of positive cells", lw=1)
    for name in (n for n in losses if n.startswith("gate_")):
        bottom.plot(losses["step"], losses[name], ":", label=name.replace("_", " "), lw=1)
    if scores:
        bottom.plot(scores["step"], scores["auc"], "o-", label="validation AUC", lw=2)
    bottom.set(xlabel="step", ylim=(0, 1))
    for part in (top, bottom):
        part.grid(alpha=0.3)
        if part.has_data():
            part.legend(fontsize="small")
    path = folder / "loss.png"
    with writing(path), replacing(path) as part:
        figure.savefig(part, format="png", dpi=100)


def _columns(path: Path) -> dict[str, list[float]]:
    if not path.exists():
        return {}
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: [float(row[name]) for row in rows] for name in rows[0]} if rows else {}
