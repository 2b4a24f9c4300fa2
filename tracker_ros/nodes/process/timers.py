"""Timers that go on while a simulated clock stands still."""

from collections.abc import Callable

from rclpy.clock import Clock, ClockType


def steady_timer(node, seconds: float, call: Callable[[], object]):
    """A timer of ``node`` by a steady clock."""
    return node.create_timer(seconds, call, clock=Clock(clock_type=ClockType.STEADY_TIME))
