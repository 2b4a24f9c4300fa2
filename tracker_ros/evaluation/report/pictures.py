"""Reads single frames of an evaluated sequence again, from its files or its bag."""

import csv
import json
from pathlib import Path

import numpy as np

from ...core.errors import SourceError
from ...sources import folder
from ..results import SequenceResult, result_path
from .numbers import Loaded


def read_picture(loaded: Loaded, tracker: str, result: SequenceResult, row: int) -> np.ndarray:
    """The picture of a row of ``result``, uint8 [H, W, 3] BGR.

    Raises SourceError, with what people should know, if it cannot be read.
    """
    if loaded.evaluation.dataset == "bag":
        return _of_bag(loaded, tracker, result, row)
    if not result.pictures:
        raise SourceError("its frames are not files")
    path = Path(result.pictures[row])
    try:
        return folder.read_picture(path)
    except SourceError:
        raise SourceError(f"{path.name} cannot be read where it was") from None


def _of_bag(loaded: Loaded, tracker: str, result: SequenceResult, row: int) -> np.ndarray:
    """A frame of the bag, by the indices that ``replay.evaluate`` has written beside the result."""
    from ...sources.bag.source import BagSource

    path = result_path(loaded.folder, tracker, result.sequence)
    try:
        about = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        with path.with_suffix(".csv").open(newline="", encoding="utf-8") as file:
            indices = [int(line["frame"]) for line in csv.DictReader(file)]
        index = indices[-len(result) :][row]
        bags = [p for p in map(Path, loaded.evaluation.paths) if p.resolve().name == about["bag"]]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise SourceError(f"what is known of its frames cannot be read: {error}") from None
    if not bags:
        raise SourceError(f"{about['bag']} is not where it was")
    with BagSource(bags[0], about["topic"]) as source:
        for frame in source:
            if frame.index == index:
                return frame.image
    raise SourceError(f"{about['bag']} no longer has this frame")
