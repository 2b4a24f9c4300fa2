"""Guards of what rclpy gives every node: a wrong request is refused, not fatal; a wrong time, too.

rclpy raises in the service's callback, and with that ends the node: for a transition that the
node's state does not have, asked for by its number (ros2/rclpy #1209), and for a parameter value
of a type that there is not. A parameter that there is not, and a value of another type, it refuses
without the parameter's name. A negative time on /clock ends the node, too.
"""

from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.msg import SetParametersResult
from rcl_interfaces.srv import SetParameters, SetParametersAtomically
from rclpy.parameter import Parameter

TYPES = {kind.value for kind in Parameter.Type}


def guard(node) -> None:
    """Refuse what rclpy would raise for; call it once, when the node has its services."""
    guards = {
        ChangeState: _transitions,
        SetParameters: _parameters,
        SetParametersAtomically: _parameters_at_once,
    }
    for service in node.services:
        if guarded := guards.get(service.srv_type):
            service.callback = guarded(node, service.callback)
    source = node._time_source  # which rclpy has no public way to
    usual, source.clock_callback = source.clock_callback, _clock(node, source.clock_callback)
    for subscription in node.subscriptions:  # there is one already where use_sim_time is true
        if subscription.callback == usual:
            subscription.callback = source.clock_callback


def _clock(node, set_time):
    def take(message):
        if message.clock.sec >= 0:
            return set_time(message)
        node.get_logger().warning(
            f"/clock says {message.clock.sec} s, which no time can be: it is passed over",
            throttle_duration_sec=1.0,
        )

    return take


def _transitions(node, change_state):
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


def _parameters(node, set_parameters):
    def answer(request, response):
        for parameter in request.parameters:
            reason = _refusal(node, parameter)
            if reason:
                response.results.append(SetParametersResult(successful=False, reason=reason))
            else:  # which adds its result
                set_parameters(SetParameters.Request(parameters=[parameter]), response)
        return response

    return answer


def _parameters_at_once(node, set_parameters):
    def answer(request, response):
        reasons = (_refusal(node, parameter) for parameter in request.parameters)
        reason = next(filter(None, reasons), None)
        if reason is None:
            return set_parameters(request, response)
        response.result = SetParametersResult(successful=False, reason=reason)
        return response

    return answer


def _refusal(node, parameter) -> str | None:
    kind = parameter.value.type
    if not node.has_parameter(parameter.name):
        return f"there is no parameter {parameter.name}"
    if kind not in TYPES:
        return f"parameter {parameter.name} has a value of type {kind}, which there is not"
    wanted = node.describe_parameter(parameter.name).type
    if kind != wanted:
        # ``ros2 param set`` reads 2 as an integer, as YAML does.
        hint = f"; write {parameter.value.integer_value}.0" if (kind, wanted) == (2, 3) else ""
        given, must = (Parameter.Type(one).name.lower() for one in (kind, wanted))
        return f"parameter {parameter.name} is of type {given}, but must be {must}{hint}"
    return None
