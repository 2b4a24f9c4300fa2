"""Failures: stretches without any overlap, and how they ended."""

from dataclasses import dataclass

from ..metrics import failures
from ..protocols import Protocol
from ..results import SequenceResult


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
    """``metrics.failures`` of the frames with a visible target.

    Frames that do not count in the protocol and frames without target are passed over: a failure
    goes on behind them.
    """
    counted = protocol.frames(result)
    visible = counted.overlap >= 0
    index, missed = counted.index[visible], counted.overlap[visible] == 0
    found = []
    for start, end in failures(missed):
        rows = index[start:end]
        found.append(
            Failure(
                sequence=result.sequence,
                first=int(rows[0]) + 1,
                last=int(rows[-1]) + 1,
                frames=len(rows),
                admitted=int(result.lost[rows].sum()),
                found=int(index[end]) + 1 if end < len(index) else None,
            )
        )
    return found
