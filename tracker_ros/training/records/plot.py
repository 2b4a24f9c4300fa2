"""The course of a training as a picture."""

from pathlib import Path

from ...core.io.files import replacing
from .checkpoint import writing
from .log import columns


def plot_losses(folder: Path) -> None:
    """Draw ``log.csv`` and ``validation.csv`` of a run into ``loss.png``, nothing without rows.

    Raises TrackerError if it cannot be written, or one of them is damaged.
    """
    losses, scores = columns(folder / "log.csv"), columns(folder / "validation.csv")
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
    if "auc" in scores:
        bottom.plot(scores["step"], scores["auc"], "o-", label="validation AUC", lw=2)
    bottom.set(xlabel="step", ylim=(0, 1))
    for part in (top, bottom):
        part.grid(alpha=0.3)
        if part.has_data():
            part.legend(fontsize="small")
    path = folder / "loss.png"
    with writing(path), replacing(path) as part:
        figure.savefig(part, format="png", dpi=100)
