"""Pictures of a tracker's worst and best moments."""

import base64
import csv
import json
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from ...core.errors import SourceError
from ...core.io.paths import real
from ...sources.folder import read_picture
from ..metrics import iou
from ..results import SequenceResult, result_path
from .numbers import Loaded

WINDOW = 10  # frames that a moment lasts
PICTURES = 6  # of each kind, of different sequences
GOOD = 0.6  # overlap without which no moment is among the best
WIDTH, ASPECT, QUALITY = 400, 1.5, 82
TRUTH, BOX, OUTLINE = (255, 255, 255), (40, 150, 255), (0, 0, 0)  # BGR


@dataclass(frozen=True)
class Moment:
    """frame: counted from 1. overlap: in that frame. others: the best other tracker's there, None
    without others. merit: by what it was chosen. picture: a data URI of a JPEG, or None where
    ``problem`` says why there is none.
    """

    sequence: str
    frame: int
    overlap: float
    others: float | None
    merit: float
    picture: str | None = None
    problem: str = ""


def find_moments(loaded: Loaded, tracker: str) -> tuple[list[Moment], list[Moment]]:
    """The worst moments of ``tracker``, and its best: where it led the best of the others by most.

    Without other trackers the best are those of the highest overlap; none is below GOOD. Both are
    means over WINDOW frames, at most one of a sequence; the picture is of the frame in the middle.
    """
    worst, best = [], []
    for name, result in loaded.results[tracker].items():
        frames = loaded.protocol.frames(result)
        visible = frames.overlap >= 0
        index, own = frames.index[visible], frames.overlap[visible]
        others = [
            iou(done[name].boxes, result.truth)[index]
            for other, done in loaded.results.items()
            if other != tracker
        ]
        rival = np.max(others, axis=0) if others else None
        for found, merits in ((worst, -own), (best, own if rival is None else own - rival)):
            i, merit = _peak(merits)
            if found is worst or own[i] >= GOOD:
                other = None if rival is None else float(rival[i])
                found.append(Moment(name, int(index[i]) + 1, float(own[i]), other, merit))
    return tuple(
        [
            _with_picture(moment, loaded, tracker)
            for moment in sorted(found, key=lambda moment: -moment.merit)[:PICTURES]
        ]
        for found in (worst, best)
    )


def _peak(merit: np.ndarray) -> tuple[int, float]:
    """The middle of the stretch of WINDOW values with the highest mean, and that mean."""
    width = min(WINDOW, len(merit))
    means = np.convolve(merit, np.full(width, 1 / width), "valid")
    start = int(means.argmax())
    return start + width // 2, float(means[start])


def _with_picture(moment: Moment, loaded: Loaded, tracker: str) -> Moment:
    result, row = loaded.results[tracker][moment.sequence], moment.frame - 1
    try:
        image = _read_picture(loaded, tracker, result, row)
    except SourceError as error:
        return replace(moment, problem=str(error))
    return replace(moment, picture=_draw(image, result.truth[row], result.boxes[row]))


def _read_picture(loaded: Loaded, tracker: str, result: SequenceResult, row: int) -> np.ndarray:
    """The picture of a row of ``result``, uint8 [H, W, 3] BGR.

    Raises SourceError, with what people should know, if it cannot be read.
    """
    if loaded.evaluation.dataset == "bag":
        return _of_bag(loaded, tracker, result, row)
    if not result.pictures:
        raise SourceError("its frames are not files")
    path = Path(result.pictures[row])
    try:
        return read_picture(path)
    except SourceError:
        raise SourceError(f"{path.name} cannot be read where it was") from None


def _of_bag(loaded: Loaded, tracker: str, result: SequenceResult, row: int) -> np.ndarray:
    """A frame of the bag, by the indices that ``replay.evaluate`` has written beside the result."""
    from ...sources.bag.recording import Recording
    from ...sources.bag.source import BagSource

    path = result_path(loaded.folder, tracker, result.sequence)
    try:
        about = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        with path.with_suffix(".csv").open(newline="", encoding="utf-8") as file:
            indices = [int(line["frame"]) for line in csv.DictReader(file)]
        index = indices[-len(result) :][row]
        bags = [p for p in map(Path, loaded.evaluation.paths) if real(p).name == about["bag"]]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise SourceError(f"what is known of its frames cannot be read: {error}") from None
    if not bags:
        raise SourceError(f"{about['bag']} is not where it was")
    with BagSource(bags[0], about["topic"], recording=Recording(bags[0], quiet=True)) as source:
        for frame in source:
            if frame.index == index:
                return frame.image
    raise SourceError(f"{about['bag']} no longer has this frame")


def _draw(image: np.ndarray, truth: np.ndarray, box: np.ndarray) -> str:
    """The part of the picture around both boxes, as a data URI."""
    x, y, width, height = _view(image.shape[1::-1], truth, box)
    scale = WIDTH / width
    size = (WIDTH, round(height * scale))
    view = cv2.resize(image[y : y + height, x : x + width], size, interpolation=cv2.INTER_AREA)
    for rectangle, colour in ((truth, TRUTH), (box, BOX)):
        if np.isfinite(rectangle).all():
            left, top, w, h = (rectangle - (x, y, 0, 0)) * scale
            sides = np.array([left, top, left + w, top + h])
            sides = np.clip(sides, -2 * WIDTH, 2 * WIDTH).round().astype(int)  # some are huge
            corners = sides[:2].tolist(), sides[2:].tolist()
            for thickness, ink in ((4, OUTLINE), (2, colour)):
                cv2.rectangle(view, *corners, ink, thickness)
    _, jpeg = cv2.imencode(".jpg", view, (cv2.IMWRITE_JPEG_QUALITY, QUALITY))
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()


def _view(size: tuple[int, int], truth: np.ndarray, box: np.ndarray) -> tuple[int, int, int, int]:
    """x, y, width, height of a part of the picture with both boxes and what is around them."""
    picture = np.array(size, float)
    boxes = np.array([b for b in (truth, box) if np.isfinite(b).all()])
    low, high = boxes[:, :2].min(0), (boxes[:, :2] + boxes[:, 2:]).max(0)
    low, high = (np.clip(corner, 0, picture) for corner in (low, high))
    wanted = np.maximum(1.8 * (high - low), picture / 2.5)
    wanted = np.maximum(wanted, (wanted[1] * ASPECT, wanted[0] / ASPECT))
    wanted = np.minimum(wanted, picture)
    corner = np.clip((low + high - wanted) / 2, 0, picture - wanted)
    return tuple(np.concatenate((corner, wanted)).astype(int).tolist())
