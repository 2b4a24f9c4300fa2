"""Where a tracker had nothing of the target for a while, and how that ended."""

from dataclasses import dataclass

import numpy as np

from ..protocols import Protocol
from ..results import SequenceResult

FRAMES = 10  # so many frames in a row without any overlap make a failure


@dataclass(frozen=True)
class Failure:
    """first, last: frames of the sequence, counted from 1. frames: of them, those that count.

    admitted: on how many of these the tracker said that the target is lost.
    found: the frame in which it overlapped the target again; None if it never did.
    """

    sequence: str
    first: int
    last: int
    frames: int
    admitted: int
    found: int | None


def find_failures(protocol: Protocol, result: SequenceResult) -> list[Failure]:
    """Stretches of at least FRAMES frames in a row with a visible target and overlap 0.

    Frames that do not count in the protocol and frames without target are passed over: a failure
    goes on behind them.
    """
    counted = protocol.frames(result)
    visible = counted.overlap >= 0
    index, missed = counted.index[visible], counted.overlap[visible] == 0
    edges = np.flatnonzero(np.diff(np.concatenate(([False], missed, [False])).astype(int)))
    failures = []
    for start, end in edges.reshape(-1, 2):
        if end - start >= FRAMES:
            rows = index[start:end]
            found = int(index[end]) + 1 if end < len(index) else None
            failures.append(
                Failure(
                    result.sequence,
                    int(rows[0]) + 1,
                    int(rows[-1]) + 1,
                    len(rows),
                    int(result.lost[rows].sum()),
                    found,
                )
            )
    return failures
