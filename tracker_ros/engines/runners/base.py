"""Runners of a network's steps; torch and ONNX Runtime each provide one."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from .cores import Sharing


class Runner(Protocol):
    """Runs the steps of one network.

    A step takes NumPy arrays, or arrays that another step returned. It returns arrays of the
    runner's own kind.

    Attributes:
        facts: the model file's facts. provider: what really runs the network. steps: their names.
        batches: whether ``run`` takes several targets at once, along axis 0.
    """

    facts: dict
    provider: str
    steps: Sequence[str]
    batches: bool

    def inputs(self, step: str) -> Sequence[str]:
        """Names of what a step takes, in the order of its definition."""

    def outputs(self, step: str) -> Sequence[str]:
        """Names of what a step returns."""

    def run(self, step: str, *inputs: Any) -> Sequence[Any]:
        """Run one step on its inputs, in the order of its definition."""

    def sharing(self) -> Sharing:
        """Helping threads for work that calls ``run``; none where the caller alone is faster."""

    def each(self, work: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        """Call ``work``, which may call ``run``, for each item; shared as by ``sharing``."""
        with self.sharing() as share:
            return [share.answer(task) for task in [share.begin(work, item) for item in items]]

    def join(self, arrays: Sequence[Any], axis: int) -> Any:
        """Concatenate the runner's arrays along an axis; the array itself if it is only one."""

    def split(self, array: Any) -> Sequence[Any]:
        """The parts of one of the runner's arrays along axis 0, each of length 1 there."""

    def array(self, value: np.ndarray) -> Any:
        """A factor of ``products``, copied once to where the network runs."""
        return value

    def products(self, factors: Sequence[Any], array: Any) -> np.ndarray:
        """Each factor [D, C], of ``array()``, times its part of an array [B, C, …].

        Returns float32 [B, D, …] on the host. On a GPU only this is copied to the host, which is
        less than the array where D is smaller than C.
        """
        values = self.numpy(array)
        found = np.empty((len(values), len(factors[0]), *values.shape[2:]), np.float32)
        for factor, value, out in zip(factors, values, found, strict=True):
            np.matmul(factor, value.reshape(len(value), -1), out=out.reshape(len(factor), -1))
        return found

    def numpy(self, array: Any) -> np.ndarray:
        """The array as NumPy, on the host."""
