"""The demo's pictures: an annotated video, a contact sheet and a plot over time."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from ..core.gate import BRANCHES
from ..core.geometry.boxes import Box
from ..core.io.files import replacing
from ..core.io.pictures import write_picture
from ..runtime.outputs import overlay
from ..runtime.outputs.colours import BRANCH_COLOURS, colour_of
from ..sources import Source
from ..sources.writer import VideoWriter
from .summary import Output, overlaps

SHEET_COLUMNS, SHEET_ROWS, TILE_WIDTH = 4, 4, 320


Boxes = dict[int, Box]  # by frame
Outputs = dict[int, Output]


def annotate(
    image: np.ndarray, outputs: dict[str, Output | None], truths: dict[str, Box | None]
) -> np.ndarray:
    """A copy of the frame with truths (thin), boxes (bold), states and scores, by target.

    A lone target has the gate's weights, too; of several each has a colour of its own.

    outputs: None where the tracker did not answer. truths: None or NaN where there is none.
    """
    picture = image.copy()
    for box in truths.values():
        if box is not None and not np.isnan(box).any():
            x, y, w, h = box
            corners = (round(x), round(y)), (round(x + w), round(y + h))
            cv2.rectangle(picture, *corners, (255, 255, 255), 1)
    answers = [
        (one, output.state, output.score, output.box) if output else (one, "NO_ANSWER", None, None)
        for one, output in outputs.items()
    ]
    if len(answers) > 1:
        return overlay.draw_all(picture, answers)
    (output,), (answer,) = outputs.values(), answers
    return overlay.draw(picture, *answer[1:], gate=output.gate if output else None)


def draw_frames(
    source: Source,
    each: dict[str, Outputs],
    truths: dict[str, Boxes],
    fps: float,
    folder: Path,
    on_frame: Callable[[], object],
) -> None:
    """Writes annotated.mp4 and contact_sheet.png from the frames of a source of known length.

    each, truths: of every target. Raises SourceError if the source cannot be read or the video
    cannot be written.
    """
    shown = set(np.linspace(0, source.length - 1, SHEET_COLUMNS * SHEET_ROWS).round().astype(int))
    tiles = []
    with VideoWriter(folder / "annotated.mp4", fps) as video:
        for frame in source:
            outputs, true = (
                {one: found.get(frame.index) for one, found in side.items()}
                for side in (each, truths)
            )
            picture = annotate(frame.image, outputs, true)
            video.write(picture)
            if frame.index in shown:
                tiles.append(_tile(picture, frame.index, tiles))
            on_frame()
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % SHEET_COLUMNS)
    rows = [np.hstack(tiles[i : i + SHEET_COLUMNS]) for i in range(0, len(tiles), SHEET_COLUMNS)]
    write_picture(folder / "contact_sheet.png", np.vstack(rows))


def _tile(picture: np.ndarray, index: int, others: list[np.ndarray]) -> np.ndarray:
    """The picture as a numbered tile of the contact sheet, of the same size as the others."""
    height = round(TILE_WIDTH * picture.shape[0] / picture.shape[1])
    size = others[0].shape[1::-1] if others else (TILE_WIDTH, max(height, 1))
    tile = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    text = str(index), (TILE_WIDTH - 46, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.55
    for ink, thickness in (((0, 0, 0), 4), ((255, 255, 255), 1)):
        cv2.putText(tile, *text, ink, thickness, cv2.LINE_AA)
    return tile


def draw_timeline(
    each: dict[str, Outputs], truths: dict[str, Boxes], frames: int, fps: float, path: Path
) -> None:
    """Plots over the clip's seconds.

    Of a lone target score, overlap (where there is truth) and gate weights; of several the overlap
    of each, one below the other.
    """
    from matplotlib.figure import Figure

    lone = next(iter(each)) if len(each) == 1 else None
    panels = len(each) if lone is None else 3 if truths[lone] else 2
    figure = Figure(figsize=(11, 1 + 2 * panels), layout="constrained")
    axes = list(figure.subplots(panels, sharex=True))
    axes[-1].set(xlabel="seconds", xlim=(0, frames / fps))
    if lone is not None:
        _plot_score(axes.pop(0), each[lone], fps)
        _plot_gate(axes.pop(), each[lone], fps)
    seconds = np.arange(frames) / fps
    for axis, (one, outputs) in zip(axes, each.items(), strict=False):
        overlap = overlaps(frames, outputs, truths[one])
        axis.plot(seconds, overlap, color=colour_of(one), lw=1.2)
        axis.set(ylabel=f"{one} overlap (IoU)".strip(), ylim=(0, 1))
        _shade(axis, seconds, np.isnan(overlap), "0.5", "target hidden")
    with replacing(path) as part:
        figure.savefig(part, format="png", dpi=110)


def _plot_score(axis, outputs: Outputs, fps: float) -> None:
    indices = sorted(outputs)
    seconds = np.array(indices) / fps
    axis.plot(seconds, [outputs[i].score for i in indices], color="tab:blue", lw=1.2)
    axis.set(ylabel="score", ylim=(0, 1))
    _shade(axis, seconds, [outputs[i].box is None for i in indices], "tab:red", "lost")


def _plot_gate(axis, outputs: Outputs, fps: float) -> None:
    decided = [i for i in sorted(outputs) if outputs[i].gate]
    weights = [outputs[i].gate.weights for i in decided] or [(0,) * len(BRANCHES)]
    axis.stackplot(
        [i / fps for i in decided] or [0],
        np.transpose(weights),
        labels=BRANCHES,
        colors=BRANCH_COLOURS,
    )
    axis.legend(loc="lower right", ncols=len(BRANCHES), fontsize="small")
    axis.set(ylabel="gate weights", ylim=(0, 1))


def _shade(axis, seconds: np.ndarray, where, colour: str, label: str) -> None:
    if np.any(where):
        axis.fill_between(
            seconds, 0, 1, where=where, step="mid", color=colour, alpha=0.25, lw=0, label=label
        )
        axis.legend(loc="upper right", fontsize="small")
