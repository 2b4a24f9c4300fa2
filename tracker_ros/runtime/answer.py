"""The worker's answers about a frame, and the interface of whoever receives them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ..core.gate import Gate
from ..core.geometry.boxes import Box
from ..core.trackable import Result
from .frame_slot import ReceivedImage


@dataclass(frozen=True)
class Target:
    """The target that is tracked; every successful initialisation gives a new id.

    started: the stamp (ns) of the frame that it was started in: an id may be given again.
    """

    id: str
    class_id: str
    started: int


@dataclass(frozen=True)
class Answer:
    """What is known about one frame: about the target that started first, and the ``others``.

    Attributes:
        image: uint8 [H, W, 3] BGR. target: None where nothing is tracked.
        result: None without target, for the frame of the start, and where tracking failed.
        box: (x, y, w, h) pixels or None.
        levels: the range of values that became ``image``, where they had more than 8 bits.
        gate: the decision, if the frame was memorised. memory_size: frames remembered.
        others: answers about further targets, in the order of their starts.
        knows: the engine's state of the target when the answer was made.
        problem: why there is no box, in one sentence, where ``state`` is ERROR or DROPPED.
    """

    frame: ReceivedImage
    image: np.ndarray
    target: Target | None = None
    result: Result | None = None
    box: Box | None = None
    state: str = "NO_TARGET"
    score: float = 0.0
    levels: str = ""
    gate: Gate | None = None
    memory_size: int = 0
    others: tuple[Answer, ...] = ()
    knows: Any = None
    problem: str = ""

    @classmethod
    def found(
        cls, frame: ReceivedImage, image: np.ndarray, target: Target, result: Result, **more: Any
    ) -> Answer:
        """The answer from a tracker's result; ``more``: further attributes."""
        state = result.state.name
        return cls(frame, image, target, result, result.box, state, result.score, **more)

    @property
    def latest_gate(self) -> Gate | None:
        """The decision for the frame memorised last; None where none was, or without a gate."""
        return self.gate or (self.result.gate if self.result else None)

    @property
    def targets(self) -> tuple[Answer, ...]:
        """One answer for each target."""
        return (self, *self.others) if self.target else ()


class Sink(Protocol):
    """Where the worker's answers go."""

    def publish(self, answer: Answer) -> None:
        """The boxes of a frame, as soon as they are known."""

    def finish(self, answer: Answer) -> None:
        """The same frame, after memorising: with ``gate`` and ``memory_size`` of each target."""

    def refuse(self, frame: ReceivedImage, state: str, problem: str) -> None:
        """Why a frame has no answer, in one sentence.

        ``state``: ERROR; or DROPPED for a frame that does not fit into the stream.
        """

    def report(self, subject: str, problem: str | None) -> None:
        """One sentence about a problem of a ``subject``; None: the problem is over.

        Subjects: init, inits, detections, tracking; targets: which was given up or removed.
        """
