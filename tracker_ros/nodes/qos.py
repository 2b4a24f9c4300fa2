"""Quality of service by name, and in words for people."""

from collections.abc import Iterable

from rclpy.qos import (
    DurabilityPolicy,
    HistoryPolicy,
    QoSProfile,
    ReliabilityPolicy,
    qos_profile_sensor_data,
    qos_profile_system_default,
)

try:
    from rclpy.event_handler import SubscriptionEventCallbacks as SubscriptionEventCallbacks
except ImportError:  # Humble
    from rclpy.qos_event import SubscriptionEventCallbacks as SubscriptionEventCallbacks


def _profile(depth: int, reliability: ReliabilityPolicy) -> QoSProfile:
    return QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=depth, reliability=reliability)


RELIABLE = _profile(10, ReliabilityPolicy.RELIABLE)
BEST_EFFORT = _profile(10, ReliabilityPolicy.BEST_EFFORT)
NEWEST = _profile(1, ReliabilityPolicy.BEST_EFFORT)
PICTURE = _profile(1, ReliabilityPolicy.RELIABLE)  # to look at: rviz asks for reliable ones
# What publishers keep for those who come later.
KEPT = QoSProfile(
    history=HistoryPolicy.KEEP_LAST,
    depth=1,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)
TF = _profile(100, ReliabilityPolicy.RELIABLE)  # as tf2_ros has it for /tf
# Humble's ``QoSPresetProfiles`` has no DEFAULT, which is RELIABLE.
PRESETS = {
    "SENSOR_DATA": qos_profile_sensor_data,
    "DEFAULT": RELIABLE,
    "SYSTEM_DEFAULT": qos_profile_system_default,
}


def matching(offers: Iterable[QoSProfile]) -> QoSProfile:
    """The strictest profile that receives from all these publishers; NEWEST if there are none."""
    offers = list(offers)
    reliable = offers and all(o.reliability == ReliabilityPolicy.RELIABLE for o in offers)
    kept = offers and all(o.durability == DurabilityPolicy.TRANSIENT_LOCAL for o in offers)
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        # Reliable images come again in bursts; the tracker takes the newest anyway.
        depth=5 if reliable else 1,
        reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if kept else DurabilityPolicy.VOLATILE,
    )


def same(a: QoSProfile, b: QoSProfile) -> bool:
    """Whether two profiles are equal in what has to be compatible with a publisher's."""
    return (a.reliability, a.durability) == (b.reliability, b.durability)


def describe(profile: QoSProfile) -> str:
    """A profile in words, such as "best effort, volatile"."""
    words = (profile.reliability.name, profile.durability.name)
    return ", ".join(word.lower().replace("_", " ") for word in words)
