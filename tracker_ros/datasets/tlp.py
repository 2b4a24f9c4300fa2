"""TLP and TinyTLP: NAME/{img/00001.jpg …, groundtruth_rect.txt}, lines of frame,x,y,w,h,lost."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..core.errors import SourceError
from ..sources.annotations import check_boxes, pictures, read_numbers
from ..sources.folder import TRUTH_NAME
from ..sources.order import in_order
from .track import Track


def read_tlp(folder: Path) -> Iterator[Track]:
    """All sequences of ``folder``; the target is absent where it is marked as lost.

    Raises SourceError.
    """
    for home in in_order(path.parent for path in folder.glob(f"*/{TRUTH_NAME}")):
        truth = home / TRUTH_NAME
        numbers = read_numbers(truth, 6)
        jumps = np.flatnonzero(numbers[:, 0] != np.arange(1, len(numbers) + 1))
        if len(jumps):
            raise SourceError(f"{truth} line {jumps[0] + 1} is not of frame {jumps[0] + 1}")
        odd = np.flatnonzero(~np.isin(numbers[:, 5], (0, 1)))
        if len(odd):
            raise SourceError(f"{truth} line {odd[0] + 1} says neither 0 nor 1 about being lost")
        boxes = check_boxes(numbers[:, 1:5], truth)
        # TinyTLP is the first frames of TLP: its truth may lie beside all of TLP's pictures.
        names = pictures(home / "img")[: len(boxes)]
        yield Track(home.name, f"{home.name}/img", names, boxes, truth, absent=numbers[:, 5] == 1)
