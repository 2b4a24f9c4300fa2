"""The engine of memory networks beside what is learned online, on one trunk."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from ..core.config import TrackingConfig
from ..core.engine import Look
from ..core.geometry.boxes import Box
from ..core.geometry.decode import Prediction, highest, near_peak
from ..core.memory import FrameMemory
from ..core.online.model import OnlineModel, presence
from ..core.online.reference import Reference, around
from ..core.online.views import PLACES, View
from .memory_engine import MemoryEngine, MemoryState, check_step, stack

REFINED = ("reference", "shape", "region")  # inputs of a step that refines boxes

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
        self._refines = "refined" in self.runner.outputs("match")
        levels = seen[: self._levels]
        check_step(self.runner, "trunk", ("crop",))
        asked = ["memory", *levels, *["response"] * self.responds, *REFINED * self._refines]
        check_step(self.runner, "match", asked)
        check_step(self.runner, "learn", ("box", "score", *levels))

    def start(self, crop: np.ndarray, box: Box, views: Sequence[View] = ()) -> MemoryState:
        """See ``Engine.start``."""
        online = reference = None
        if self.responds:
            crops, boxes = zip(*(views or (View(crop, box),)), strict=True)
            features = np.stack([self._features(seen) for seen in self._see(crops)])
            side = self.tracking.query_size / self.tracking.search_factor
            places = min(len(PLACES), len(views) or 1)
            online = OnlineModel.start(features, boxes, places, self.tracking.stride, side)
            if self._refines:
                reference = Reference.of(features[0], boxes[0], self.tracking.stride, side)
        frames: FrameMemory = FrameMemory(self.tracking.memory_capacity)
        empty = MemoryState(frames, None, online=online, reference=reference)
        return self._add([empty], [crop], [box], [1.0])[0]

    def locate_all(
        self,
        crops: Sequence[np.ndarray],
        states: Sequence[MemoryState],
        others: Sequence[Look | None] | None = None,
    ) -> list[tuple[Prediction, MemoryState]]:
        """See ``Engine.locate_all``.

        First the trunk sees all crops, then NumPy works on all of them: in turns, each would find
        its code and data thrown out of the caches by the other.
        """
        looks = list(others or [None] * len(crops))
        further = [(i, look) for i, look in enumerate(looks) if look is not None]
        seen = self._see([*crops, *(look.crop for _, look in further)])

        def found(i: int) -> tuple[Prediction, MemoryState]:
            return self._found(replace(states[i], seen=seen[i], compact=()), looks[i] is not None)

        def responded(k: int) -> tuple[np.ndarray, np.ndarray]:
            online = states[further[k][0]].online
            assert online is not None  # who asks for another scale responds
            compact = online.compact(self._features(seen[len(crops) + k]))
            return compact, online.respond(compact)

        # The longest first, so that all end at about the same time.
        order = sorted(range(len(crops)), key=lambda i: looks[i] is None)
        jobs: list[Callable[[], Any]] = [partial(found, i) for i in order]
        jobs += [partial(responded, k) for k in range(len(further))]
        done = self.runner.each(lambda job: job(), jobs)
        answers, rest = dict(zip(order, done, strict=False)), done[len(crops) :]
        for (i, look), (compact, response) in zip(further, rest, strict=True):
            prediction, state = answers[i]
            both = (*state.compact, (compact, look.zoom))
            answers[i] = replace(prediction, other=response), replace(state, compact=both)
        return [answers[i] for i in range(len(crops))]

    def _found(self, state: MemoryState, thorough: bool) -> tuple[Prediction, MemoryState]:
        """What the target's query says; the network is asked only if it is to be thorough."""
        online, levels = state.online, state.seen[: self._levels]
        if online is None:
            silent = [
                np.zeros(self._features(state.seen).shape[1:], np.float32)[None]
            ] * self.responds
            if state.reference is not None:  # nothing online says where to compare: not used
                silent += [*state.reference, state.reference.region]
            score, boxes, *_ = self._match(levels, state, *silent)
            return Prediction(score, boxes), state
        features = self._features(state.seen)
        compact = online.compact(features)
        response = online.respond(compact)
        change, opinion, refined = online.measure(compact, response), None, None
        if thorough:
            x, y = (place + 0.5 for place in highest(response))
            compared = []
            if state.reference is not None:
                compared = [*state.reference, around(features, x, y)]
            score, _, *box = self._match(levels, state, response[None], *compared)
            opinion = near_peak(score, response)
            if box:
                refined = self._refined(x, y, box[0])
        prediction = Prediction(presence(response), None, response, None, change, opinion, refined)
        return prediction, replace(state, compact=((compact, 1.0),))

    def _match(self, levels: Seen, state: MemoryState, *others: np.ndarray) -> list[np.ndarray]:
        answers = self.runner.run("match", state.memory, *levels, *others)
        return [self.runner.numpy(part)[0] for part in answers]

    def _refined(self, x: float, y: float, answer: np.ndarray) -> Box:
        """The refiner's answer at a place x, y, in cells, as a box in crop pixels."""
        stride, side = self.tracking.stride, self.tracking.query_size / self.tracking.search_factor
        across, down, *logarithms = (float(value) for value in answer)
        w, h = (side * math.exp(value) for value in logarithms)
        return (x + across) * stride - w / 2, (y + down) * stride - h / 2, w, h

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
        # The network's lesson and the online one, which takes longer, have nothing to do with each
        # other.
        rows = list(zip(known, crops, boxes, scores, strict=True))
        batches = [rows] if self.runner.batches else [[row] for row in rows]
        jobs: list[Callable[[], Any]] = [partial(self._taught, row[0], row[2]) for row in rows]
        jobs += [partial(self._add, *zip(*batch, strict=True)) for batch in batches]
        done = self.runner.each(lambda job: job(), jobs)
        after = chain.from_iterable(done[len(rows) :])
        return [replace(state, online=model) for state, model in zip(after, done, strict=False)]

    def _taught(self, state: MemoryState, box: Box) -> OnlineModel | None:
        """What is known online with the frame located last in it."""
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
