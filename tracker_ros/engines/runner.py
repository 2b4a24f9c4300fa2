"""What runs the steps of a network; torch and ONNX Runtime each provide one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np


class Runner(Protocol):
    """Arrays are NumPy going in; what a step returns is the runner's own kind, to be passed on.

    Attributes:
        facts: the model file's facts. provider: what really runs the network.
    """

    facts: dict
    provider: str

    def inputs(self, step: str) -> Sequence[str]:
        """Names of what a step takes, in the order of its definition."""

    def outputs(self, step: str) -> Sequence[str]:
        """Names of what a step returns."""

    def run(self, step: str, *inputs: Any) -> Sequence[Any]:
        """Run one step on its inputs, in the order of its definition."""

    def join(self, arrays: Sequence[Any]) -> Any:
        """Concatenate the runner's arrays along axis 1."""

    def numpy(self, array: Any) -> np.ndarray:
        """The array as NumPy, on the host."""
