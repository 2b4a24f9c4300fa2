"""The base of the engines that run a network's steps."""

from abc import abstractmethod
from collections.abc import Sequence

from ..core.config import TrackingConfig
from ..core.engine import Engine
from ..core.errors import ModelError
from .runners.base import Runner


class RunnerEngine(Engine):
    """``core.engine.Engine`` on a runner.

    Raises ModelError unless the runner has the steps that the engine calls.
    """

    responds = reuses = False

    def __init__(self, runner: Runner):
        self.runner = runner
        self.facts, self.provider, self.each = runner.facts, runner.provider, runner.each
        self.tracking = TrackingConfig.from_dict(runner.facts["tracking"])
        self._check_steps()

    @abstractmethod
    def _check_steps(self) -> None:
        """Call ``_check_step`` for every step that this engine calls."""

    def _check_step(self, step: str, wanted: Sequence[str]) -> None:
        """Raise ModelError unless the inputs of a step begin with ``wanted``."""
        names = tuple(self.runner.inputs(step))
        if names[: len(wanted)] != tuple(wanted):
            raise ModelError(
                f"the step {step!r} of this {self.facts['architecture']} takes "
                f"{', '.join(names)}, not {', '.join(wanted)}"
            )
