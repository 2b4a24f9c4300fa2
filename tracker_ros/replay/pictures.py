"""The demo's pictures: an annotated video, a contact sheet and a plot over time."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from ..core.errors import SourceError
from ..core.gate import BRANCHES
from ..core.io.files import replacing
from ..core.io.names import utf8_name
from ..runtime.outputs import overlay
from ..runtime.outputs.colours import BRANCH_COLOURS, colour_of
from ..sources import Frame, Source
from ..sources.writer import VideoWriter
from .summary import Box, Output, overlaps

SHEET_COLUMNS, SHEET_ROWS, TILE_WIDTH = 4, 4, 320


def annotate(image: np.ndarray, output: Output | None, truth: Box | None) -> np.ndarray:
    """A copy of the frame with the truth (thin), the box (bold), state, score and gate weights.

    output: None where the tracker did not answer. truth: None or NaN where there is none.
    """
    picture = image.copy()
    if truth is not None and not np.isnan(truth).any():
        x, y, w, h = truth
        corners = (round(x), round(y)), (round(x + w), round(y + h))
        cv2.rectangle(picture, *corners, (255, 255, 255), 1)
    if output is None:
        return overlay.draw(picture, "NO_ANSWER", None)
    return overlay.draw(picture, output.state, output.score, output.box, gate=output.gate)


def annotate_all(
    image: np.ndarray, outputs: dict[str, Output | None], truths: dict[str, Box | None]
) -> np.ndarray:
    """``annotate`` for several targets by id, each in its own colour."""
    picture = image.copy()
    for box in truths.values():
        if box is not None:
            x, y, w, h = map(round, box)
            cv2.rectangle(picture, (x, y), (x + w, y + h), (255, 255, 255), 1)
    answers = [
        (one, output.state, output.score, output.box) if output else (one, "NO_ANSWER", None, None)
        for one, output in outputs.items()
    ]
    return overlay.draw_all(picture, answers)


def draw_frames(
    source: Source,
    outputs: dict[int, Output],
    truth: dict[int, Box],
    fps: float,
    folder: Path,
    on_frame: Callable[[], object] = lambda: None,
) -> None:
    """``draw_pictures`` of one target."""

    def draw(frame: Frame) -> np.ndarray:
        return annotate(frame.image, outputs.get(frame.index), truth.get(frame.index))

    draw_pictures(source, draw, fps, folder, on_frame)


def draw_pictures(
    source: Source,
    draw: Callable[[Frame], np.ndarray],
    fps: float,
    folder: Path,
    on_frame: Callable[[], object] = lambda: None,
) -> None:
    """Writes annotated.mp4 and contact_sheet.png from the frames of a source of known length.

    draw: a frame's picture. Raises SourceError if the source cannot be read or the video cannot be
    written.
    """
    shown = set(np.linspace(0, source.length - 1, SHEET_COLUMNS * SHEET_ROWS).round().astype(int))
    tiles = []
    with VideoWriter(folder / "annotated.mp4", fps) as video:
        for frame in source:
            picture = draw(frame)
            video.write(picture)
            if frame.index in shown:
                tiles.append(_tile(picture, frame.index, tiles))
            on_frame()
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % SHEET_COLUMNS)
    rows = [np.hstack(tiles[i : i + SHEET_COLUMNS]) for i in range(0, len(tiles), SHEET_COLUMNS)]
    with replacing(folder / "contact_sheet.png", ".png") as part, utf8_name(part) as name:
        if not cv2.imwrite(name, np.vstack(rows)):
            raise SourceError(f"{folder / 'contact_sheet.png'} cannot be written (a full disk?)")


def _tile(picture: np.ndarray, index: int, others: list[np.ndarray]) -> np.ndarray:
    """The picture as a numbered tile of the contact sheet, of the same size as the others."""
    height = round(TILE_WIDTH * picture.shape[0] / picture.shape[1])
    size = others[0].shape[1::-1] if others else (TILE_WIDTH, max(height, 1))
    tile = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    for ink, thickness in (((0, 0, 0), 4), ((255, 255, 255), 1)):
        cv2.putText(
            tile,
            str(index),
            (TILE_WIDTH - 46, 20),
            cv2.FONT_HERSHEY_SIMPLEX,
            0.55,
            ink,
            thickness,
            cv2.LINE_AA,
        )
    return tile


def draw_timeline(
    outputs: dict[int, Output], truth: dict[int, Box] | None, frames: int, fps: float, path: Path
) -> None:
    """Plots score, overlap (where there is truth) and gate weights over the clip's seconds."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    indices = sorted(outputs)
    seconds = np.array(indices) / fps
    figure, axes = pyplot.subplots(
        2 if truth is None else 3, sharex=True, figsize=(11, 7), layout="constrained"
    )
    score, *middle, gate = axes
    score.plot(seconds, [outputs[i].score for i in indices], color="tab:blue", lw=1.2)
    score.set(ylabel="score", ylim=(0, 1))
    lost = [outputs[i].box is None for i in indices]
    _shade(score, seconds, lost, "tab:red", "lost")
    for axis in middle:
        overlap = overlaps(frames, outputs, truth)
        clip_seconds = np.arange(frames) / fps
        axis.plot(clip_seconds, overlap, color="tab:green", lw=1.2)
        axis.set(ylabel="overlap (IoU)", ylim=(0, 1))
        _shade(axis, clip_seconds, np.isnan(overlap), "0.5", "target hidden")
    decided = [i for i in indices if outputs[i].gate]
    weights = [outputs[i].gate.weights for i in decided] or [(0,) * len(BRANCHES)]
    gate.stackplot(
        [i / fps for i in decided] or [0],
        np.transpose(weights),
        labels=BRANCHES,
        colors=BRANCH_COLOURS,
    )
    gate.legend(loc="lower right", ncols=len(BRANCHES), fontsize="small")
    gate.set(ylabel="gate weights", ylim=(0, 1), xlabel="seconds", xlim=(0, frames / fps))
    with replacing(path) as part:
        figure.savefig(part, format="png", dpi=110)
    pyplot.close(figure)


def draw_timelines(
    each: dict[str, dict[int, Output]],
    truths: dict[str, dict[int, Box]],
    frames: int,
    fps: float,
    path: Path,
) -> None:
    """Plots the overlap of several targets by id, one below the other."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(
        len(each), sharex=True, squeeze=False, figsize=(11, 1 + 2 * len(each)), layout="constrained"
    )
    seconds = np.arange(frames) / fps
    for axis, (one, outputs) in zip(axes[:, 0], each.items(), strict=True):
        overlap = overlaps(frames, outputs, truths[one])
        axis.plot(seconds, overlap, color=colour_of(one), lw=1.2)
        axis.set(ylabel=f"{one}: IoU", ylim=(0, 1))
        _shade(axis, seconds, np.isnan(overlap), "0.5", "hidden")
    axes[-1, 0].set(xlabel="seconds", xlim=(0, frames / fps))
    with replacing(path) as part:
        figure.savefig(part, format="png", dpi=110)
    pyplot.close(figure)


def _shade(axis, seconds: np.ndarray, where, colour: str, label: str) -> None:
    if np.any(where):
        axis.fill_between(
            seconds, 0, 1, where=where, step="mid", color=colour, alpha=0.25, lw=0, label=label
        )
        axis.legend(loc="upper right", fontsize="small")
