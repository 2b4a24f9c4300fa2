"""The engine of memory networks beside what is learned online, on one trunk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..core.config import TrackingConfig
from ..core.engine import Look
from ..core.geometry.boxes import Box
from ..core.geometry.decode import Prediction, near_peak
from ..core.memory import FrameMemory
from ..core.online.model import OnlineModel, presence
from ..core.online.views import PLACES, View
from .memory_engine import MemoryEngine, MemoryState, check_step, stack

Seen = tuple[Any, ...]  # what the trunk makes of one crop


class FilterEngine(MemoryEngine):
    """``core.engine.Engine`` for networks with the steps ``trunk``, ``match`` and ``learn``.

    What is learned online answers in every frame, on what the trunk sees. The network is asked
    where another scale is looked at, too; to memorise the query that was located last costs no
    trunk.
    """

    reuses = True

    def _check_steps(self) -> None:
        seen = tuple(self.runner.outputs("trunk"))
        self.responds = "features" in seen
        self._levels = len(seen) - self.responds
        levels = seen[: self._levels]
        check_step(self.runner, "trunk", ("crop",))
        check_step(self.runner, "match", ("memory", *levels, *["response"] * self.responds))
        check_step(self.runner, "learn", ("box", "score", *levels))

    def start(self, crop: np.ndarray, box: Box, views: Sequence[View] = ()) -> MemoryState:
        """See ``Engine.start``."""
        online = None
        if self.responds:
            crops, boxes = zip(*(views or (View(crop, box),)), strict=True)
            features = np.stack([self._features(seen) for seen in self._see(crops)])
            side = self.tracking.query_size / self.tracking.search_factor
            places = min(len(PLACES), len(views) or 1)
            online = OnlineModel.start(features, boxes, places, self.tracking.stride, side)
        empty = MemoryState(FrameMemory(self.tracking.memory_capacity), None, online=online)
        return self._add([empty], [crop], [box], [1.0])[0]

    def locate_all(
        self,
        crops: Sequence[np.ndarray],
        states: Sequence[MemoryState],
        others: Sequence[Look | None] | None = None,
    ) -> list[tuple[Prediction, MemoryState]]:
        """See ``Engine.locate_all``.

        A runner that takes batches sees all crops in one call; another goes on with each target on
        its own, side by side.
        """
        looks = list(others or [None] * len(crops))
        further = [(i, look) for i, look in enumerate(looks) if look is not None]
        pictures = [*crops, *(look.crop for _, look in further)]
        seen: dict[int, Seen] = {}
        if self.runner.batches:
            seen = dict(enumerate(self._see(pictures)))

        def view(place: int) -> Seen:
            return seen[place] if place in seen else self._see([pictures[place]])[0]

        def found(i: int) -> tuple[Prediction, MemoryState]:
            return self._found(replace(states[i], seen=view(i), compact=()), looks[i] is not None)

        def responded(k: int) -> tuple[np.ndarray, np.ndarray]:
            online = states[further[k][0]].online
            assert online is not None  # who asks for another scale responds
            compact = online.compact(self._features(view(len(crops) + k)))
            return compact, online.respond(compact)

        jobs: list[tuple[Callable[[int], Any], int]] = [(found, i) for i in range(len(crops))]
        jobs += [(responded, k) for k in range(len(further))]
        done = self.runner.each(lambda job: job[0](job[1]), jobs)
        answers, rest = done[: len(crops)], done[len(crops) :]
        for (i, look), (compact, response) in zip(further, rest, strict=True):
            prediction, state = answers[i]
            both = (*state.compact, (compact, look.zoom))
            answers[i] = replace(prediction, other=response), replace(state, compact=both)
        return answers

    def _found(self, state: MemoryState, thorough: bool) -> tuple[Prediction, MemoryState]:
        """What the target's query says; the network is asked only if it is to be thorough."""
        online, levels = state.online, state.seen[: self._levels]
        if online is None:
            silent = [np.zeros(self._features(state.seen).shape[1:], np.float32)] * self.responds
            score, boxes = self._match(levels, state, *silent)
            return Prediction(score, boxes), state
        compact = online.compact(self._features(state.seen))
        response = online.respond(compact)
        change, opinion = online.measure(compact, response), None
        if thorough:
            opinion = near_peak(self._match(levels, state, response)[0], response)
        prediction = Prediction(presence(response), None, response, None, change, opinion)
        return prediction, replace(state, compact=((compact, 1.0),))

    def _match(self, levels: Seen, state: MemoryState, *response: np.ndarray) -> list[np.ndarray]:
        inputs = (state.memory, *levels, *(part[None] for part in response))
        return [self.runner.numpy(part)[0] for part in self.runner.run("match", *inputs)]

    def remember_all(
        self,
        crops: Sequence[np.ndarray | None],
        boxes: Sequence[Box],
        scores: Sequence[float],
        states: Sequence[MemoryState],
    ) -> list[MemoryState]:
        """See ``Engine.remember_all``."""
        fresh = iter(self._see([crop for crop in crops if crop is not None]))
        known = []
        for crop, state in zip(crops, states, strict=True):
            if crop is not None:
                seen, online = next(fresh), state.online
                alone = () if online is None else ((online.compact(self._features(seen)), 1.0),)
                state = replace(state, seen=seen, compact=alone)
            known.append(state)
        # The network's lesson and the online one have nothing to do with each other.
        after, taught = self.runner.each(
            lambda work: work(),
            [
                lambda: self._add(known, crops, boxes, scores),
                lambda: [self._taught(one) for one in zip(known, boxes, strict=True)],
            ],
        )
        return [replace(state, online=model) for state, model in zip(after, taught, strict=True)]

    def _taught(self, one: tuple[MemoryState, Box]) -> OnlineModel | None:
        """What is known online with the frame located last in it."""
        state, box = one
        if state.online is None:
            return None
        seen = [(part, _zoomed(box, zoom, self.tracking)) for part, zoom in state.compact]
        return state.online.learn(seen, self.tracking.filter_rate)

    def _encode(
        self,
        crops: Sequence[np.ndarray | None],
        states: Sequence[MemoryState],
        boxes: np.ndarray,
        scores: np.ndarray,
    ) -> Sequence[Any]:
        seen = [
            self._see([crop])[0] if crop is not None and not state.seen else state.seen
            for crop, state in zip(crops, states, strict=True)
        ]
        parts = [self.runner.join(part, 0) for part in zip(*seen, strict=True)]
        return self.runner.run("learn", boxes, scores, *parts[: self._levels])

    def _features(self, seen: Seen) -> np.ndarray:
        """For what is learned online: float32 [C, n, n]."""
        return self.runner.numpy(seen[-1])[0]

    def _see(self, crops: Sequence[np.ndarray]) -> list[Seen]:
        """What the trunk sees in each crop, as far as the runner takes them in one call."""
        if not crops:
            return []
        if self.runner.batches:
            parts = self.runner.run("trunk", stack(crops))
            return list(zip(*(self.runner.split(part) for part in parts), strict=True))
        return self.runner.each(lambda crop: tuple(self.runner.run("trunk", crop[None])), crops)


def _zoomed(box: Box, zoom: float, tracking: TrackingConfig) -> Box:
    """A box of the query in the pixels of the same place at another scale."""
    x, y, w, h = box
    middle = tracking.query_size / 2
    return middle + (x - middle) * zoom, middle + (y - middle) * zoom, w * zoom, h * zoom
