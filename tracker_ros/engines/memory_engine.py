"""The engine of memory networks (STMTrack, DASTM): its state is the memorised frames' features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from ..core.boxes import Box
from ..core.config import TrackingConfig
from ..core.decode import Prediction
from ..core.errors import ModelError
from ..core.gate import BRANCHES, Gate
from ..core.memory import FrameMemory
from .runner import Runner


@dataclass(frozen=True)
class MemoryState:
    """frames: token arrays [1, h*w, C]; memory: those to read, joined; gate: of the last frame."""

    frames: FrameMemory
    memory: Any
    gate: Gate | None = None


class MemoryEngine:
    """``core.engine.Engine`` for networks with the steps ``locate`` and ``remember``."""

    def __init__(self, runner: Runner):
        self.runner = runner
        self.facts, self.provider = runner.facts, runner.provider
        self.tracking = TrackingConfig.from_dict(runner.facts["tracking"])
        check_step(runner, "locate", ("crop", "memory"))
        check_step(runner, "remember", ("crop", "box"))
        self._gated = runner.facts["network"].get("gate") in ("hard", "soft", "random")

    def start(self, crop: np.ndarray, box: Box) -> MemoryState:
        """See ``Engine.start``."""
        return self._add([FrameMemory(self.tracking.memory_capacity)], [crop], [box])[0]

    def locate(self, crop: np.ndarray, state: MemoryState) -> tuple[Prediction, MemoryState]:
        """See ``Engine.locate``."""
        return self.locate_all([crop], [state])[0]

    def locate_all(
        self, crops: Sequence[np.ndarray], states: Sequence[MemoryState]
    ) -> list[tuple[Prediction, MemoryState]]:
        """See ``Engine.locate_all``; one call for all targets that remember equally much."""

        def answers(batch: list[int]) -> list[tuple[int, Prediction]]:
            memory = self.runner.join([states[i].memory for i in batch], 0)
            score, boxes = self.runner.run("locate", _stack(crops, batch), memory)
            maps = zip(self.runner.numpy(score), self.runner.numpy(boxes), strict=True)
            return [(i, Prediction(*parts)) for i, parts in zip(batch, maps, strict=True)]

        batches = self._batches([state.memory.shape[1] for state in states])
        found = dict(chain.from_iterable(self.runner.each(answers, batches)))
        return [(found[i], state) for i, state in enumerate(states)]

    def remember(self, crop: np.ndarray, box: Box, score: float, state: MemoryState) -> MemoryState:
        """See ``Engine.remember``."""
        return self._add([state.frames], [crop], [box])[0]

    def remember_all(
        self,
        crops: Sequence[np.ndarray],
        boxes: Sequence[Box],
        scores: Sequence[float],
        states: Sequence[MemoryState],
    ) -> list[MemoryState]:
        """See ``Engine.remember_all``."""
        return self._add([state.frames for state in states], crops, boxes)

    def gate(self, state: MemoryState) -> Gate | None:
        """See ``Engine.gate``."""
        return state.gate

    def remembered(self, state: MemoryState) -> int:
        """See ``Engine.remembered``."""
        return len(state.frames)

    def _add(
        self, memories: Sequence[FrameMemory], crops: Sequence[np.ndarray], boxes: Sequence[Box]
    ) -> list[MemoryState]:
        """A state for each memory with one more frame in it."""

        def added(batch: list[int]) -> list[MemoryState]:
            tokens, *gate = self.runner.run(
                "remember",
                _stack(crops, batch),
                np.array([boxes[i] for i in batch], np.float32),
            )
            shares = self.runner.numpy(gate[0]) if self._gated else [None] * len(batch)
            rows = self.runner.split(tokens)
            return [
                self._state(memories[i].add(row), share)
                for i, row, share in zip(batch, rows, shares, strict=True)
            ]

        # All are of one kind: the batches hold them in their order.
        batches = self._batches([0] * len(memories))
        return list(chain.from_iterable(self.runner.each(added, batches)))

    def _state(self, frames: FrameMemory, shares: np.ndarray | None) -> MemoryState:
        # Joined here, not in locate: a frame is memorised after its box is out.
        memory = self.runner.join(frames.read(self.tracking.memory_segments), 1)
        if shares is None:
            return MemoryState(frames, memory)
        gate = Gate(tuple(map(float, shares)), BRANCHES[int(np.argmax(shares))])
        return MemoryState(frames, memory, gate)

    def _batches(self, kinds: Sequence[int]) -> list[list[int]]:
        """Places of equal kinds together, as far as the runner takes several at once."""
        if not self.runner.batches:
            return [[place] for place in range(len(kinds))]
        found = {}
        for place, kind in enumerate(kinds):
            found.setdefault(kind, []).append(place)
        return list(found.values())


def _stack(crops: Sequence[np.ndarray], batch: Sequence[int]) -> np.ndarray:
    """Those crops along a new first axis; a lone one is not copied."""
    return crops[batch[0]][None] if len(batch) == 1 else np.stack([crops[i] for i in batch])


def check_step(runner: Runner, step: str, wanted: Sequence[str]) -> None:
    """Raise ModelError unless the inputs of a step begin with ``wanted``."""
    names = tuple(runner.inputs(step))
    if names[: len(wanted)] != tuple(wanted):
        raise ModelError(
            f"the step {step!r} of this {runner.facts['architecture']} takes "
            f"{', '.join(names)}, not {', '.join(wanted)}"
        )
