"""The engine of memory networks (STMTrack, DASTM): its state is the memorised frames' features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.boxes import Box
from ..core.config import TrackingConfig
from ..core.decode import Prediction
from ..core.gate import BRANCHES, Gate
from ..core.memory import FrameMemory
from .runner import Runner


@dataclass(frozen=True)
class MemoryState:
    """frames: token arrays [1, h*w, C]; memory: those to read, joined; gate: of the last frame."""

    frames: FrameMemory
    memory: Any
    gate: Gate | None


class MemoryEngine:
    """``core.engine.Engine`` for networks with the steps ``locate`` and ``remember``."""

    def __init__(self, runner: Runner):
        self.runner = runner
        self.facts, self.provider = runner.facts, runner.provider
        self.tracking = TrackingConfig.from_dict(runner.facts["tracking"])
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
        tokens, weights = self.runner.run("remember", crop[None], np.array([box], np.float32))
        frames = frames.add(tokens)
        # Joined here, not in locate: a frame is memorised after its box is out.
        memory = self.runner.join(frames.read(self.tracking.memory_segments))
        shares = tuple(float(share) for share in self.runner.numpy(weights)[0])
        gate = Gate(shares, BRANCHES[int(np.argmax(shares))]) if self._gated else None
        return MemoryState(frames, memory, gate)
