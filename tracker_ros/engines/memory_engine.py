"""The engine of memory networks (STMTrack, DASTM): its state is the memorised frames' features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
        return self._add(FrameMemory(self.tracking.memory_capacity), crop, box)

    def locate(self, crop: np.ndarray, state: MemoryState) -> tuple[Prediction, MemoryState]:
        """See ``Engine.locate``."""
        score, boxes = self.runner.run("locate", crop[None], state.memory)
        return Prediction(self.runner.numpy(score)[0], self.runner.numpy(boxes)[0]), state

    def remember(self, crop: np.ndarray, box: Box, score: float, state: MemoryState) -> MemoryState:
        """See ``Engine.remember``."""
        return self._add(state.frames, crop, box)

    def gate(self, state: MemoryState) -> Gate | None:
        """See ``Engine.gate``."""
        return state.gate

    def remembered(self, state: MemoryState) -> int:
        """See ``Engine.remembered``."""
        return len(state.frames)

    def _add(self, frames: FrameMemory, crop: np.ndarray, box: Box) -> MemoryState:
        tokens, *gate = self.runner.run("remember", crop[None], np.array([box], np.float32))
        frames = frames.add(tokens)
        # Joined here, not in locate: a frame is memorised after its box is out.
        memory = self.runner.join(frames.read(self.tracking.memory_segments))
        if not self._gated:
            return MemoryState(frames, memory)
        shares = tuple(float(share) for share in self.runner.numpy(gate[0])[0])
        return MemoryState(frames, memory, Gate(shares, BRANCHES[int(np.argmax(shares))]))


def check_step(runner: Runner, step: str, wanted: Sequence[str]) -> None:
    """Raise ModelError unless the inputs of a step begin with ``wanted``."""
    names = tuple(runner.inputs(step))
    if names[: len(wanted)] != tuple(wanted):
        raise ModelError(
            f"the step {step!r} of this {runner.facts['architecture']} takes "
            f"{', '.join(names)}, not {', '.join(wanted)}"
        )
