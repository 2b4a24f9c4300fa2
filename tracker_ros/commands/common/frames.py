"""The frames of a source that are tracked: from the first one with a box to start on."""

import math
from collections.abc import Iterator, Sequence

from ...core.errors import InputError
from ...core.geometry.boxes import Box
from ...sources import Frame, Source
from ...sources.sizes import OneSize
from .selecting import select_box


def tracked_frames(
    source: Source, boxes: Sequence[Box] | None, most: int | None, select: bool = False
) -> Iterator[tuple[Frame, Sequence[Box] | None]]:
    """The frames, at most so many; with the first the boxes to start on, with the others None.

    ``boxes``: in the source's first frame; None: the truth's first box, wherever it is. select:
    somebody draws it in the first frame instead. Pictures of another size than the first are left
    out, and told. Raises InputError without any box.
    """
    if select and source.live:
        raise InputError(
            f"{source.name} goes on while somebody draws a box; --select is for recordings"
        )
    if not boxes and not select and not source.truth:
        raise InputError(
            f"{source.name} has no truth to start from; give the target as --box x,y,w,h"
        )
    count = 0
    with OneSize(source.name, "were skipped") as sizes:
        for frame in source:
            start = None
            if not count and select:
                start = [select_box(frame.image)]
            elif not count:
                start = boxes or [source.truth.get(frame.index, (math.nan,))]
            if (start and math.isnan(start[0][0])) or not sizes.fits(frame.image, frame.name):
                continue
            yield frame, start
            count += 1
            if count == most:
                return
    if not count:
        raise InputError(f"the truth of {source.name} belongs to none of its frames")
