"""What rclpy's lifecycle nodes lack."""

from lifecycle_msgs.srv import ChangeState


def refuse_impossible_transitions(node) -> None:
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
