"""An engine whose states keep the pictures, too, so that its attention can be drawn on them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..core.engine import Answer, Engine, Example, Query
from ..core.gate import Gate
from ..core.geometry.boxes import Box
from ..core.geometry.decode import Prediction
from ..core.memory import FrameMemory
from ..core.online.views import FirstView
from .models.files import MEMORY_NETWORKS


@dataclass(frozen=True, eq=False)
class Picture:
    """A memory crop, uint8 [M, M, 3] BGR, and the target's box in it, x, y, w, h in its pixels.

    ``score``: that the box was found with; 1 for the one that was given.
    """

    crop: np.ndarray
    box: Box
    score: float


@dataclass(frozen=True)
class WatchedState:
    """An engine's state of a target, and the pictures that it was learned from.

    Attributes:
        inner: the engine's own state; before: the one that the last query was matched with.
        first, recent: the first picture, and up to three later ones, the newest last.
        frames: the pictures of a memory network, kept and read in the same way as its features.
        seen: pictures that the last query could attend to. query: its crop. prediction: its maps.
    """

    inner: Any
    first: Picture
    frames: FrameMemory[Picture]
    recent: tuple[Picture, ...] = ()
    before: Any = None
    seen: tuple[Picture, ...] = ()
    query: np.ndarray | None = None
    prediction: Prediction | None = None


class WatchedEngine(Engine):
    """``core.engine.Engine`` around another: answers the same, and keeps references to the crops.

    It computes nothing more: ``engines.attention`` does, when somebody looks.
    """

    def __init__(self, engine: Engine):
        self.engine = engine
        self.tracking, self.facts, self.provider = engine.tracking, engine.facts, engine.provider
        self.responds, self.reuses = engine.responds, engine.reuses
        self.each = engine.each
        self._reads = engine.facts["architecture"] in MEMORY_NETWORKS

    def start(self, crop: np.ndarray, box: Box, views: Sequence[FirstView] = ()) -> WatchedState:
        first = Picture(crop, box, 1.0)
        frames = FrameMemory[Picture](self.tracking.memory_capacity).add(first)
        return WatchedState(self.engine.start(crop, box, views), first, frames)

    def locate_all(self, queries: Sequence[Query]) -> list[Answer]:
        answers = self.engine.locate_all([one._replace(state=one.state.inner) for one in queries])
        return [
            (prediction, self._located(query, prediction, inner))
            for query, (prediction, inner) in zip(queries, answers, strict=True)
        ]

    def remember_all(self, examples: Sequence[Example]) -> list[WatchedState]:
        inner = self.engine.remember_all([one._replace(state=one.state.inner) for one in examples])
        return [self._remembered(*pair) for pair in zip(examples, inner, strict=True)]

    def gate(self, state: WatchedState) -> Gate | None:
        return self.engine.gate(state.inner)

    def remembered(self, state: WatchedState) -> int:
        return self.engine.remembered(state.inner)

    def _located(self, query: Query, prediction: Prediction, inner: Any) -> WatchedState:
        state = query.state
        if self._reads:
            seen = tuple(state.frames.read(self.tracking.memory_segments))
        else:
            seen = (state.first, *state.recent)
        return replace(
            state,
            inner=inner,
            before=state.inner,
            seen=seen,
            query=query.crop,
            prediction=prediction,
        )

    def _remembered(self, example: Example, inner: Any) -> WatchedState:
        crop, box, score, state = example
        shown = state.query if crop is None else crop
        assert shown is not None  # what is reused was located
        picture = Picture(shown, box, score)
        return replace(
            state,
            inner=inner,
            frames=state.frames.add(picture, score >= self.tracking.last_score),
            recent=(*state.recent[-2:], picture),
        )
