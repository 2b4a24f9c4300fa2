"""The engine of memory networks whose trunk serves memory, query and filter alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np

from ..core.config import TrackingConfig
from ..core.errors import ModelError
from ..core.geometry.decode import Prediction
from .memory_engine import MemoryEngine, MemoryState, check_step, stack
from .runners.base import Runner

Seen = tuple[Any, ...]  # what the trunk makes of crops


class FilterEngine(MemoryEngine):
    """``core.engine.Engine`` for networks with the steps ``trunk``, ``match`` and ``learn``.

    What the trunk sees in a crop goes into ``match``, into ``learn`` and, with a filter, the last
    part of it into ``respond``. So another look at the scale costs a trunk and a filter, and to
    memorise the query that was located last costs no trunk.
    """

    reuses = True

    def __init__(self, runner: Runner):
        self.runner = runner
        self.facts, self.provider = runner.facts, runner.provider
        self.side_by_side, self.each = not runner.batches, runner.each
        self.tracking = TrackingConfig.from_dict(runner.facts["tracking"])
        seen = tuple(runner.outputs("trunk"))
        check_step(runner, "trunk", ("crop",))
        check_step(runner, "match", ("memory", *seen))
        check_step(runner, "learn", ("box", "score", *seen))
        # What match takes besides is learned online: learn returns what one frame teaches.
        self._learned = tuple(runner.inputs("match"))[1 + len(seen) :]
        if tuple(runner.outputs("learn"))[2:] != self._learned:
            raise ModelError(
                f"the step 'match' takes {', '.join(self._learned)}, which 'learn' does not end"
            )
        self.responds = bool(self._learned)
        if self.responds:
            check_step(runner, "respond", (seen[-1], *self._learned))
        self._gated = runner.facts["network"].get("gate") in ("hard", "soft", "random")

    def locate_all(
        self,
        crops: Sequence[np.ndarray],
        states: Sequence[MemoryState],
        others: Sequence[np.ndarray | None] | None = None,
    ) -> list[tuple[Prediction, MemoryState]]:
        """See ``Engine.locate_all``.

        A runner that takes batches sees all crops in one call, and matches in one those targets
        that remember equally much. Another does what each crop is for on its own, side by side.
        """
        further = [(i, crop) for i, crop in enumerate(others or ()) if crop is not None]
        asked = [i for i, _ in further]
        looks = [*crops, *(crop for _, crop in further)]
        seen = dict(enumerate(self._see(looks))) if self.runner.batches else {}

        def parts(places: list[int]) -> Seen:
            for place in places:
                if place not in seen:
                    seen[place] = self._see([looks[place]])[0]
            return self._join([seen[place] for place in places])

        def matched(batch: list[int]) -> list[tuple[int, Prediction]]:
            memory = self.runner.join([states[i].memory for i in batch], 0)
            learned = self._join([states[i].learned for i in batch])
            maps = self.runner.run("match", memory, *parts(batch), *learned)
            each = zip(*(self.runner.numpy(part) for part in maps), strict=True)
            return [(i, Prediction(*maps)) for i, maps in zip(batch, each, strict=True)]

        def responded(batch: list[int]) -> list[tuple[int, np.ndarray]]:
            learned = self._join([states[asked[k]].learned for k in batch])
            spectrum = parts([len(crops) + k for k in batch])[-1]
            (response,) = self.runner.run("respond", spectrum, *learned)
            answers = self.runner.numpy(response)
            return [(asked[k], answer) for k, answer in zip(batch, answers, strict=True)]

        matches = self._batches([state.memory.shape[1] for state in states])
        responses = self._batches([0] * len(asked))
        jobs = [(matched, batch) for batch in matches] + [(responded, b) for b in responses]
        done = self.runner.each(lambda job: job[0](job[1]), jobs)
        found = dict(chain.from_iterable(done[: len(matches)]))
        for i, answer in chain.from_iterable(done[len(matches) :]):
            found[i] = replace(found[i], other=answer)
        return [(found[i], replace(state, seen=seen[i])) for i, state in enumerate(states)]

    def _encode(
        self,
        crops: Sequence[np.ndarray | None],
        states: Sequence[MemoryState],
        boxes: np.ndarray,
        scores: np.ndarray,
    ) -> Sequence[Any]:
        fresh = iter(self._see([crop for crop in crops if crop is not None]))
        seen = [
            state.seen or () if crop is None else next(fresh)
            for crop, state in zip(crops, states, strict=True)
        ]
        return self.runner.run("learn", boxes, scores, *self._join(seen))

    def _see(self, crops: Sequence[np.ndarray]) -> list[Seen]:
        """What the trunk sees in each crop, as far as the runner takes them in one call."""
        if not crops:
            return []
        parts = self.runner.run("trunk", stack(crops))
        return list(zip(*(self.runner.split(part) for part in parts), strict=True))

    def _join(self, seen: Sequence[Seen]) -> Seen:
        """What was seen of several crops as the inputs of one call."""
        return tuple(self.runner.join(part, 0) for part in zip(*seen, strict=True))
