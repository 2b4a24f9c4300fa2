"""The engine of networks whose state is a fixed set of named arrays (STIF, USTAM, DASTSiam)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..core.engine import Example, Query
from ..core.errors import ModelError
from ..core.gate import Gate
from ..core.geometry.boxes import Box
from ..core.geometry.decode import Prediction
from ..core.online.views import FirstView
from .runner_engine import RunnerEngine


@dataclass(frozen=True)
class CarriedState:
    """What is known of a target.

    Attributes:
        arrays: of the runner's own kind, by name; their shapes never change.
        count: how many frames they were made of.
    """

    arrays: dict[str, Any]
    count: int


class CarriedEngine(RunnerEngine):
    """``core.engine.Engine`` for networks that carry named arrays from step to step.

    The step ``start`` takes crop and box and returns all arrays. ``locate`` takes the crop, and
    ``remember`` crop and box; both also take any of the arrays, by name. An output with an array's
    name replaces that array. The first outputs of ``locate`` are score and boxes.
    """

    def _check_steps(self) -> None:
        self._check_step("start", ("crop", "box"))
        self._check_step("locate", ("crop",))
        self._check_step("remember", ("crop", "box"))
        runner = self.runner
        carried = set(runner.outputs("start"))
        named = {*runner.inputs("locate"), *runner.inputs("remember")} - {"crop", "box"}
        given = {*runner.outputs("locate")[2:], *runner.outputs("remember")}
        if stray := (named | given) - carried:
            raise ModelError(
                f"this {self.facts['architecture']} uses {', '.join(sorted(stray))}, "
                "which its step 'start' does not make"
            )

    def start(self, crop: np.ndarray, box: Box, views: Sequence[FirstView] = ()) -> CarriedState:
        values = self.runner.run("start", crop[None], np.array([box], np.float32))
        return CarriedState(dict(zip(self.runner.outputs("start"), values, strict=True)), 1)

    def locate_all(self, queries: Sequence[Query]) -> list[tuple[Prediction, CarriedState]]:
        """See ``Engine.locate_all``; one call for each target."""

        def answer(query: Query) -> tuple[Prediction, CarriedState]:
            score, boxes, *changed = self._run("locate", query.state, query.crop[None])
            prediction = Prediction(self.runner.numpy(score)[0], self.runner.numpy(boxes)[0])
            names = self.runner.outputs("locate")[2:]
            return prediction, self._changed(query.state, names, changed)

        return self.runner.each(answer, queries)

    def remember_all(self, examples: Sequence[Example]) -> list[CarriedState]:
        """See ``Engine.remember_all``; one call for each target."""

        def learnt(one: Example) -> CarriedState:
            assert one.crop is not None  # no query is reused
            box = np.array([one.box], np.float32)
            changed = self._run("remember", one.state, one.crop[None], box)
            after = self._changed(one.state, self.runner.outputs("remember"), changed)
            return replace(after, count=one.state.count + 1)

        return self.runner.each(learnt, examples)

    def gate(self, state: CarriedState) -> Gate | None:
        """See ``Engine.gate``: none of these networks has one."""
        return None

    def remembered(self, state: CarriedState) -> int:
        return min(state.count, self.tracking.memory_capacity)

    def _run(self, step: str, state: CarriedState, *given: np.ndarray) -> Sequence[Any]:
        names = self.runner.inputs(step)[len(given) :]
        return self.runner.run(step, *given, *(state.arrays[name] for name in names))

    @staticmethod
    def _changed(state: CarriedState, names: Sequence[str], values: Sequence[Any]) -> CarriedState:
        if not names:
            return state
        return replace(state, arrays={**state.arrays, **dict(zip(names, values, strict=True))})
