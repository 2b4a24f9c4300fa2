"""Base of the lifecycle nodes; it adds what rclpy's own base lacks."""

from collections.abc import Iterable

from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.msg import SetParametersResult
from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn

from .parameters import on_node
from .parameters.parameter import Parameter


class ManagedNode(LifecycleNode):
    """A lifecycle node with a table of parameters; ``stage`` is its state in one word."""

    done = False  # it runs until a signal ends it

    def __init__(self, name: str, table: Iterable[Parameter], **arguments):
        super().__init__(name, **arguments)
        self.stage = "unconfigured"
        self._table = table
        on_node.declare(self, table)
        self.add_on_set_parameters_callback(self._check_parameters)
        _refuse_impossible_transitions(self)

    def start(self) -> bool:
        """Configure and activate, if the parameter autostart says so; whether it is active then."""
        if not self.get_parameter("autostart").value:
            return False
        steps = (self.trigger_configure, self.trigger_activate)
        return all(step() == TransitionCallbackReturn.SUCCESS for step in steps)

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


def _refuse_impossible_transitions(node) -> None:
    """Answer ``success: false`` to a transition that the node's state does not have.

    Where it is asked for by its number, rclpy raises in the service's callback, and with that ends
    the node (ros2/rclpy #1209).
    """
    for service in node.services:
        if service.srv_type is ChangeState:
            service.callback = _guarded(node, service.callback)


def _guarded(node, change_state):
    def answer(request, response):
        try:
            return change_state(request, response)
        except RuntimeError:  # rclpy's RCLError, which it gives no public name
            wanted = request.transition.label or f"number {request.transition.id}"
            node.get_logger().warning(
                f"transition {wanted} was refused: the node is {node.stage}",
                throttle_duration_sec=1.0,
            )
            response.success = False
            return response

    return answer
