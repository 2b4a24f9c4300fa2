"""builtin_interfaces/Time to nanoseconds, and back."""

from ..core.errors import InputError
from .make import Make, ros_message


def stamp_to_ns(stamp) -> int:
    """builtin_interfaces/Time to nanoseconds."""
    return stamp.sec * 1_000_000_000 + stamp.nanosec


def seconds(nanoseconds: int) -> str:
    """Nanoseconds as seconds, with all digits, which a stamp as a float would not have."""
    whole, rest = divmod(abs(nanoseconds), 1_000_000_000)
    return f"{'-' if nanoseconds < 0 else ''}{whole}.{rest:09d}"


def ns_to_stamp(nanoseconds: int, make: Make = ros_message):
    """Nanoseconds to builtin_interfaces/Time. Raises InputError where it does not hold them."""
    whole, rest = divmod(nanoseconds, 1_000_000_000)
    if not -(2**31) <= whole < 2**31:
        raise InputError(f"a ROS message cannot hold the stamp {seconds(nanoseconds)}")
    return make("builtin_interfaces/msg/Time", sec=whole, nanosec=rest)
