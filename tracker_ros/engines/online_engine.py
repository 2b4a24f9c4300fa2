"""The engine of memory networks that share one trunk with what is learned online."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from ..core.config import TrackingConfig
from ..core.engine import Example, Query
from ..core.errors import ModelError
from ..core.geometry.boxes import Box, scaled
from ..core.geometry.decode import Prediction
from ..core.geometry.peaks import highest, near_peak, outvoted
from ..core.geometry.refined import Refined, habit, own_box
from ..core.memory import FrameMemory
from ..core.online.model import OnlineModel, presence
from ..core.online.reference import Reference, around
from ..core.online.views import PLACES, FirstView
from .memory_engine import MemoryEngine, MemoryState, stack
from .runners.cores import Task

REFINED = ("reference", "shape", "region")  # inputs of a step that refines boxes

REST = 4  # of the crops, one in so many is left to other cores while NumPy works

Seen = tuple[Any, ...]  # what the trunk makes of a crop, or of several along axis 0
NOTHING = Prediction(np.zeros((0, 0), np.float32), None)  # of a target that nothing online knows


class View(NamedTuple):
    """A crop of the query of that number; ``zoom``: see ``Look``, None for the query itself."""

    number: int
    crop: np.ndarray
    zoom: float | None = None


class OnlineEngine(MemoryEngine):
    """``core.engine.Engine`` for networks with the steps ``trunk``, ``match`` and ``learn``.

    What is learned online answers in every frame, from the trunk's features. The network answers,
    too, in frames that also look at another scale. Memorising the query that was located last
    needs no further call of the trunk.
    """

    reuses = True

    def _check_steps(self) -> None:
        seen = tuple(self.runner.outputs("trunk"))
        self.responds = "features" in seen
        self._levels = seen.index("features") if self.responds else len(seen)
        self._refines = "refined" in self.runner.outputs("match")
        if self._refines and seen[-1] != "embedded":
            raise ModelError(
                "the step 'match' compares what the step 'trunk' does not give: 'embedded'; graphs"
                " of an earlier version have to be exported again"
            )
        levels = seen[: self._levels]
        self._check_step("trunk", ("crop",))
        asked = ["memory", *levels, *REFINED * self._refines]
        self._check_step("match", asked)
        self._check_step("learn", ("box", "score", *levels))

    def start(self, crop: np.ndarray, box: Box, views: Sequence[FirstView] = ()) -> MemoryState:
        """See ``Engine.start``."""
        online = reference = None
        if self.responds:
            crops, boxes = zip(*(views or (FirstView(crop, box),)), strict=True)
            views_seen = self._see(crops)
            features = np.stack([self._features(seen) for seen in views_seen])
            side = self.tracking.target_side
            places = min(len(PLACES), len(views) or 1)
            online = OnlineModel.start(features, boxes, places, self.tracking.stride, side)
            if self._refines:
                compared = self._compared(views_seen[0])
                reference = Reference.of(compared, boxes[0], self.tracking.stride, side)
        frames: FrameMemory = FrameMemory(self.tracking.memory_capacity)
        components = None if online is None else self.runner.array(online.place.components)
        empty = MemoryState(frames, None, None, lambda: online, components, reference)
        state = self._added([Example(crop, box, 1.0, empty)])[0]
        if reference is None:
            return state
        (x, y, w, h), stride = boxes[0], self.tracking.stride
        place = (x + w / 2) / stride - 0.5, (y + h / 2) / stride - 0.5
        score, told = self._maps(views_seen[0][: self._levels], state)
        return replace(state, habit=habit(own_box(score, told, place), boxes[0]))

    def locate_all(self, queries: Sequence[Query]) -> list[tuple[Prediction, MemoryState]]:
        """See ``Engine.locate_all``.

        The trunk runs on most crops before NumPy works on any of them. If the two took turns, each
        would throw the other's code and data out of the caches. Meanwhile other cores run the trunk
        on the rest.
        """
        # Those that are looked at thoroughly come first: the network is asked about them, too.
        order = sorted(range(len(queries)), key=lambda i: queries[i].other is None)
        views = [View(i, queries[i].crop) for i in order]
        views += [
            View(i, one.other.crop, one.other.zoom)
            for i, one in enumerate(queries)
            if one.other and one.other.crop is not one.crop
        ]
        batches = self._batches(views)
        found: dict[int, tuple[Prediction, MemoryState]] = {}
        asked: dict[int, Task] = {}
        with self.runner.sharing() as share:
            tasks = [share.begin(self._trunk, [view.crop for view in few]) for few in batches]
            share.work(left=len(tasks) // REST)
            for few, task in zip(batches, tasks, strict=True):
                seen = share.answer(task)
                reduced = self._compact([queries[view.number].state for view in few], seen)
                for place, ((i, _, zoom), compact) in enumerate(zip(few, reduced, strict=True)):
                    if zoom is not None:
                        found[i] = self._responded(*found[i], compact, zoom)
                        continue
                    _, state, other = queries[i]
                    found[i] = self._found(state, _part(seen, place), compact)
                    if other is not None or state.online is None:
                        asked[i] = share.begin(self._asked, *found[i], away=True)
            for i, task in asked.items():
                prediction, state = found[i]
                found[i] = replace(prediction, **share.answer(task)), state
        return [found[i] for i in range(len(queries))]

    def _compact(self, states: Sequence[MemoryState], seen: Seen) -> np.ndarray | list[None]:
        """``OnlineModel.compact`` of what is seen in each state's crop.

        None where nothing is known online, which is so in all states of an engine, or in none.
        """
        if states[0].online is None:
            return [None] * len(states)
        factors = [state.components for state in states]
        return self.runner.products(factors, seen[self._levels])

    def _found(
        self, state: MemoryState, seen: Seen, compact: Any
    ) -> tuple[Prediction, MemoryState]:
        """What is known online says of the target's query, as the trunk has seen it."""
        online = state.online
        if online is None:
            return NOTHING, replace(state, seen=seen, compact=())
        response = online.respond(compact)
        change = online.measure(compact, response)
        prediction = Prediction(presence(response), None, response, None, change)
        return prediction, replace(state, seen=seen, compact=((compact, 1.0),))

    @staticmethod
    def _responded(
        prediction: Prediction, state: MemoryState, compact: np.ndarray, zoom: float
    ) -> tuple[Prediction, MemoryState]:
        """The same with another scale, at which the query is ``zoom`` times as large."""
        online = state.online
        assert online is not None  # who asks for another scale responds
        both = (*state.compact, (compact, zoom))
        return replace(prediction, other=online.respond(compact)), replace(state, compact=both)

    def _asked(self, prediction: Prediction, state: MemoryState) -> dict[str, Any]:
        """What the network says of the query: attributes of ``Prediction``."""
        response, levels = prediction.response, state.seen[: self._levels]
        if response is None:
            score, boxes = self._maps(levels, state)
            return {"score": score, "boxes": boxes}
        score, refined = self._compare(state, response)
        both = outvoted(response, score, self.tracking.opinion_place)
        if both is None:
            return {"opinion": near_peak(score, response), "refined": refined}
        score, refined = self._compare(state, both)
        return {
            "score": presence(both),
            "response": both,
            "other": np.full_like(both, -1),  # no scale is better
            "opinion": near_peak(score, both),
            "refined": refined,
        }

    def _compare(
        self, state: MemoryState, response: np.ndarray
    ) -> tuple[np.ndarray, Refined | None]:
        """The network's score of each cell, and the refiner's answer at the response's peak."""
        reference, levels = state.reference, state.seen[: self._levels]
        if reference is None:
            return self._maps(levels, state)[0], None
        stride, side = self.tracking.stride, self.tracking.target_side
        column, row = highest(response)
        region = around(self._compared(state.seen), column + 0.5, row + 0.5)
        score, boxes, answer, present = self._match(levels, state, *reference, region)
        across, down, *logarithms = answer.tolist()
        x, y = (column + 0.5 + across) * stride, (row + 0.5 + down) * stride
        w, h = (side * math.exp(value) for value in logarithms)
        own = scaled(own_box(score, boxes, (column, row)), *state.habit)
        return score, Refined((x - w / 2, y - h / 2, w, h), float(present), own)

    def _maps(self, levels: Seen, state: MemoryState) -> list[np.ndarray]:
        """The network's score [n, n] and box [4, n, n] of each cell; nothing is compared."""
        reference = state.reference  # the step wants something all the same
        same = () if reference is None else (*reference, reference.region)
        return self._match(levels, state, *same)[:2]

    def _match(self, levels: Seen, state: MemoryState, *others: np.ndarray) -> list[np.ndarray]:
        answers = self.runner.run("match", state.memory, *levels, *others)
        return [self.runner.numpy(part)[0] for part in answers]

    def remember_all(self, examples: Sequence[Example]) -> list[MemoryState]:
        """See ``Engine.remember_all``."""
        fresh = iter(self._see([one.crop for one in examples if one.crop is not None]))
        known = []
        for one in examples:
            if one.crop is not None:
                seen, online = next(fresh), one.state.online
                alone = () if online is None else ((online.compact(self._features(seen)), 1.0),)
                one = one._replace(state=replace(one.state, seen=seen, compact=alone))
            known.append(one)
        after = super().remember_all(known)
        # Nobody asks for what is learned online before the trunk has seen the next crop, and beside
        # the network's lesson it would only wait for Python's lock.
        with self.runner.sharing() as share:
            lessons = [share.later(partial(self._taught, one.state, one.box)) for one in known]
        return [replace(state, taught=one) for state, one in zip(after, lessons, strict=True)]

    def _taught(self, state: MemoryState, box: Box) -> OnlineModel | None:
        """What is known online with the frame located last in it."""
        if state.online is None:
            return None
        seen = [(part, _zoomed(box, zoom, self.tracking)) for part, zoom in state.compact]
        return state.online.learn(seen, self.tracking.filter_rate)

    def _encode(
        self, examples: Sequence[Example], boxes: np.ndarray, scores: np.ndarray
    ) -> Sequence[Any]:
        seen = [
            self._see([crop])[0] if crop is not None and not state.seen else state.seen
            for crop, _, _, state in examples
        ]
        levels = zip(*(one[: self._levels] for one in seen), strict=True)
        return self.runner.run("learn", boxes, scores, *(self.runner.join(v, 0) for v in levels))

    def _features(self, seen: Seen) -> np.ndarray:
        """For what is learned online: float32 [C, n, n]."""
        return self.runner.numpy(seen[self._levels])[0]

    def _compared(self, seen: Seen) -> np.ndarray:
        """For the refiner of boxes: float32 [W, n, n]."""
        return self.runner.numpy(seen[-1])[0]

    def _see(self, crops: Sequence[np.ndarray]) -> list[Seen]:
        """What the trunk sees in each crop."""
        batches = self._batches(crops)
        seen = zip(batches, self.runner.each(self._trunk, batches), strict=True)
        return [_part(parts, place) for few, parts in seen for place in range(len(few))]

    def _trunk(self, crops: Sequence[np.ndarray]) -> Seen:
        return tuple(self.runner.run("trunk", stack(crops)))


def _part(seen: Seen, place: int) -> Seen:
    """One crop's, not copied: until its target's next query it keeps the others' in memory."""
    return tuple(part[place : place + 1] for part in seen)


def _zoomed(box: Box, zoom: float, tracking: TrackingConfig) -> Box:
    """A box of the query in the pixels of the same place at another scale."""
    x, y, w, h = box
    middle = tracking.query_size / 2
    return middle + (x - middle) * zoom, middle + (y - middle) * zoom, w * zoom, h * zoom
