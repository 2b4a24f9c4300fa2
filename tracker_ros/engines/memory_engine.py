"""The engine of memory networks (STMTrack, DASTM): its state is the memorised frames' features."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, TypeVar

import numpy as np

from ..core.engine import Answer, Example, Query
from ..core.gate import BRANCHES, Gate
from ..core.geometry.boxes import Box
from ..core.geometry.decode import Prediction
from ..core.memory import FrameMemory
from ..core.online.model import OnlineModel
from ..core.online.reference import Reference
from ..core.online.views import FirstView
from .runner_engine import RunnerEngine
from .runners.base import Runner

Item = TypeVar("Item")


@dataclass(frozen=True)
class MemoryState:
    """What is known of a target.

    Attributes:
        frames: token arrays [1, h*w, C]. memory: those to read, joined: [1, M, C].
        gate: decision for the frame memorised last.
        taught: returns ``online``, as soon as the last lesson has ended.
        components: ``online.place.components``, kept where the network runs.
        reference: the first view; None for a network that does not refine boxes. habit: see
            ``core.geometry.refined``.
        seen: a shared trunk's features of the query that was located last. compact: the same
            reduced for ``online``, with the zoom of each crop (see ``Look``): that of the query,
            which is 1, and that of another scale, if there was one.
    """

    frames: FrameMemory
    memory: Any
    gate: Gate | None = None
    taught: Callable[[], OnlineModel | None] = lambda: None
    components: Any = None
    reference: Reference | None = None
    habit: tuple[float, float] = (1.0, 1.0)
    seen: tuple[Any, ...] = ()
    compact: tuple[tuple[np.ndarray, float], ...] = ()

    @property
    def online(self) -> OnlineModel | None:
        """What is learned of it while it is followed; None for a network alone."""
        return self.taught()


class MemoryEngine(RunnerEngine):
    """``core.engine.Engine`` for networks with the steps ``locate`` and ``remember``."""

    def __init__(self, runner: Runner):
        super().__init__(runner)
        self._gated = runner.facts["network"].get("gate") in ("hard", "soft", "random")

    def _check_steps(self) -> None:
        self._check_step("locate", ("crop", "memory"))
        self._check_step("remember", ("crop", "box"))

    def start(self, crop: np.ndarray, box: Box, views: Sequence[FirstView] = ()) -> MemoryState:
        empty = MemoryState(FrameMemory(self.tracking.memory_capacity), None)
        return self.remember(crop, box, 1.0, empty)

    def locate_all(self, queries: Sequence[Query]) -> list[Answer]:
        """See ``Engine.locate_all``; one call for all targets with memories of the same size."""

        def answers(batch: list[int]) -> list[tuple[int, Prediction]]:
            memory = self.runner.join([queries[i].state.memory for i in batch], 0)
            maps = self.runner.run("locate", stack([queries[i].crop for i in batch]), memory)
            each = zip(*(self.runner.numpy(part) for part in maps), strict=True)
            return [(i, Prediction(*parts)) for i, parts in zip(batch, each, strict=True)]

        batches = self._batches(range(len(queries)), lambda i: queries[i].state.memory.shape[1])
        found = dict(chain.from_iterable(self.runner.each(answers, batches)))
        return [(found[i], query.state) for i, query in enumerate(queries)]

    def remember_all(self, examples: Sequence[Example]) -> list[MemoryState]:
        """See ``Engine.remember_all``; one call for all."""
        added = self.runner.each(self._added, self._batches(examples))
        return list(chain.from_iterable(added))

    def gate(self, state: MemoryState) -> Gate | None:
        return state.gate

    def remembered(self, state: MemoryState) -> int:
        return len(state.frames)

    def _added(self, examples: Sequence[Example]) -> list[MemoryState]:
        """Each state with one more frame in it; one call of the network for all."""
        boxes = np.array([one.box for one in examples], np.float32)
        scores = np.array([one.score for one in examples], np.float32)
        tokens, *others = self._encode(examples, boxes, scores)
        shares = self.runner.numpy(others[0]) if self._gated else [None] * len(examples)
        rows = zip(examples, self.runner.split(tokens), shares, strict=True)
        return [self._state(one.state, row, share, one.score) for one, row, share in rows]

    def _encode(
        self, examples: Sequence[Example], boxes: np.ndarray, scores: np.ndarray
    ) -> Sequence[Any]:
        """The tokens [B, h*w, C] of each example; with a gate its weights [B, 4], too."""
        crops = [one.crop for one in examples if one.crop is not None]  # all: no query is reused
        told = len(self.runner.inputs("remember")) - 1  # the box, and its score where it counts
        return self.runner.run("remember", stack(crops), *(boxes, scores)[:told])

    def _state(
        self, old: MemoryState, row: Any, shares: np.ndarray | None, score: float
    ) -> MemoryState:
        frames = old.frames.add(row, score >= self.tracking.last_score)
        # Joined here, not in locate: a frame is memorised after its box is out.
        memory = self.runner.join(frames.read(self.tracking.memory_segments), 1)
        gate = None
        if shares is not None:
            skip, se, ca, cbam = map(float, shares)
            gate = Gate((skip, se, ca, cbam), BRANCHES[int(np.argmax(shares))])
        return replace(old, frames=frames, memory=memory, gate=gate)

    def _batches(
        self, items: Iterable[Item], kind: Callable[[Item], int] = lambda item: 0
    ) -> list[list[Item]]:
        """What goes into one call: all items of a kind, or each alone if the runner takes one."""
        if not self.runner.batches:
            return [[item] for item in items]
        found: dict[int, list[Item]] = {}
        for item in items:
            found.setdefault(kind(item), []).append(item)
        return list(found.values())


def stack(crops: Sequence[np.ndarray]) -> np.ndarray:
    """Crops along a new first axis; a single one is not copied."""
    return crops[0][None] if len(crops) == 1 else np.stack(crops)
