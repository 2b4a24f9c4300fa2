"""TLP and TinyTLP: NAME/{img/00001.jpg …, groundtruth_rect.txt}, lines of frame,x,y,w,h,lost."""

from pathlib import Path

import numpy as np

from ...core.errors import SourceError
from ...sources.annotations import check_boxes, read_numbers
from ...sources.folder import TRUTH_NAME, natural_key
from ...sources.sequences import Sequence
from .files import pictures_of


def read_tlp(folder: Path) -> list[Sequence]:
    """All sequences of `folder`; the target is absent where it is marked as lost.

    Raises SourceError.
    """
    homes = sorted((path.parent for path in folder.glob(f"*/{TRUTH_NAME}")), key=natural_key)
    return [_read(home) for home in homes]


def _read(home: Path) -> Sequence:
    truth = home / TRUTH_NAME
    numbers = read_numbers(truth, 6)
    jumps = np.flatnonzero(np.diff(numbers[:, 0]) != 1)
    if len(jumps):
        raise SourceError(f"{truth} line {jumps[0] + 2} is not of the frame after the one above")
    odd = np.flatnonzero(~np.isin(numbers[:, 5], (0, 1)))
    if len(odd):
        raise SourceError(f"{truth} line {odd[0] + 1} says neither 0 nor 1 about being lost")
    boxes = check_boxes(numbers[:, 1:5], truth)
    boxes[numbers[:, 5] == 1] = np.nan
    # TinyTLP is the first frames of TLP: its truth may lie beside all of TLP's pictures.
    return Sequence(home.name, pictures_of(home / "img")[: len(boxes)], boxes, truth)
