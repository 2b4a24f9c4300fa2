"""The contract between the core and the engines that run a network."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from .config import TrackingConfig
from .gate import Gate
from .geometry.boxes import Box
from .geometry.decode import Prediction
from .online.views import FirstView

State = Any  # opaque to the core; each architecture has its own, and never changes one in place
Answer = tuple[Prediction, State]


class Look(NamedTuple):
    """A second crop at a query's place, at another scale.

    ``zoom``: how many of its pixels lie along one pixel of the query.
    """

    crop: np.ndarray
    zoom: float


class Query(NamedTuple):
    """A crop in which to find a target, the target's state; ``other``: see ``Engine.locate``."""

    crop: np.ndarray
    state: State
    other: Look | None = None


class Example(NamedTuple):
    """A crop to memorise, the target's box in it, the score of that box, and the target's state.

    ``crop``: None for the query that was located last; the box is then in pixels of that query.
    Only for engines that reuse it.
    """

    crop: np.ndarray | None
    box: Box
    score: float
    state: State


class Engine(Protocol):
    """Three pure steps on an opaque state, the same for every architecture.

    An engine implements ``start``, ``locate_all`` and ``remember_all``; it inherits ``locate`` and
    ``remember``, for a single target, from here. Crops are uint8 [size, size, 3] BGR; boxes are
    (x, y, width, height) in crop pixels.

    Attributes:
        tracking: geometry and policy stored with the weights.
        facts: what the weights say about themselves (architecture, data, steps, commit, scores).
        provider: what really runs the network, for example ``onnxruntime CPUExecutionProvider``.
        responds: whether it learns online: ``start`` takes views, and ``locate`` looks at another
            scale.
        reuses: whether ``remember`` can learn from the query that was located last.
        each: calls a function, which may call the engine, for each of several items; in parallel
            where that is faster.
    """

    tracking: TrackingConfig
    facts: dict
    provider: str
    responds: bool
    reuses: bool
    each: Callable[[Callable[[Any], Any], Sequence[Any]], list[Any]]

    def start(self, crop: np.ndarray, box: Box, views: Sequence[FirstView] = ()) -> State:
        """The state of a new target, from a memory crop and the target's box in it.

        ``views``: views of the same frame, for engines that respond; see ``core.online.views``.
        """

    def locate(self, crop: np.ndarray, state: State, other: Look | None = None) -> Answer:
        """Find the target in a query crop.

        ``other``: for engines that respond. Without it only what is learned online answers, and the
        network is not asked.
        """
        return self.locate_all([Query(crop, state, other)])[0]

    def locate_all(self, queries: Sequence[Query]) -> list[Answer]:
        """``locate`` for several targets at once, at least one."""

    def remember(self, crop: np.ndarray | None, box: Box, score: float, state: State) -> State:
        """Memorise one frame; arguments as the fields of ``Example``."""
        return self.remember_all([Example(crop, box, score, state)])[0]

    def remember_all(self, examples: Sequence[Example]) -> list[State]:
        """``remember`` for several targets at once, at least one."""

    def gate(self, state: State) -> Gate | None:
        """The gate's decision for the frame memorised last; None where the network has no gate."""

    def remembered(self, state: State) -> int:
        """How many frames the state holds."""
