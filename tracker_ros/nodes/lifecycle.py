"""Base of the lifecycle nodes; it adds what rclpy's own base lacks."""

from collections.abc import Iterable

from rcl_interfaces.msg import SetParametersResult
from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn

from ..core.errors import TrackerError, some
from .inputs.message import name_of
from .parameters import on_node
from .parameters.parameter import Parameter
from .process import names, services


class ManagedNode(LifecycleNode):
    """A lifecycle node with a table of parameters; ``stage`` is its state in one word."""

    done = False  # it runs until a signal ends it
    topics: tuple[str, ...] = ()  # all that it publishes and subscribes to, before remapping

    def __init__(self, name: str, table: Iterable[Parameter], **arguments):
        super().__init__(name, **arguments)
        self.stage = "unconfigured"
        names.check_topics(self, self.topics)
        self._table = table
        on_node.declare(self, table)
        self.add_on_set_parameters_callback(self._check_parameters)
        services.guard(self)

    def start(self) -> bool:
        """Configure and activate, if the parameter autostart says so; whether it is active then.

        Raises TrackerError where that fails and the parameter required says that it may not.
        """
        if not self.get_parameter("autostart").value:
            return False
        steps = (self.trigger_configure, self.trigger_activate)
        active = all(step() == TransitionCallbackReturn.SUCCESS for step in steps)
        if not active and self.get_parameter("required").value:
            raise TrackerError(f"{self.get_name()} is required, but cannot start; see above")
        return active

    def rivals(self, topic: str) -> list[str]:
        """A sentence where others publish ``topic`` of this node, too; none while it is not active.

        As a node of the same name that somebody has forgotten, or a recording of both that is
        played.
        """
        full = self.resolve_topic_name(topic)
        infos = self.get_publishers_info_by_topic(full)
        if self.stage != "active" or len(infos) < 2:
            return []
        names = sorted(map(name_of, infos))
        if self.get_name() in names:
            names.remove(self.get_name())
        return [f"{full} is published by others, too ({some(names)}): what comes there is of all"]

    def on_deactivate(self, state) -> TransitionCallbackReturn:
        self._stop()
        self.stage = "inactive"
        return super().on_deactivate(state)

    def on_cleanup(self, state) -> TransitionCallbackReturn:
        self.release()
        return super().on_cleanup(state)

    def on_shutdown(self, state) -> TransitionCallbackReturn:
        self.release()
        self.stage = "finalized"
        return super().on_shutdown(state)

    def on_error(self, state) -> TransitionCallbackReturn:
        self.release()
        return super().on_error(state)

    def _stop(self) -> None:
        """Give back what activate took."""
        raise NotImplementedError

    def release(self) -> None:
        """Free what configure and activate made."""
        raise NotImplementedError

    def _check_parameters(self, changed) -> SetParametersResult:
        reason = on_node.refusal(self._table, changed, self.stage)
        return SetParametersResult(successful=not reason, reason=reason)
