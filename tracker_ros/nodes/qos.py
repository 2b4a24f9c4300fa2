"""Quality of service by name, and in words for people."""

from rclpy.qos import (
    HistoryPolicy,
    QoSPresetProfiles,
    QoSProfile,
    ReliabilityPolicy,
)

NAMES = ("SENSOR_DATA", "DEFAULT", "SYSTEM_DEFAULT")

RELIABLE = QoSProfile(
    history=HistoryPolicy.KEEP_LAST, depth=10, reliability=ReliabilityPolicy.RELIABLE
)
NEWEST = QoSProfile(
    history=HistoryPolicy.KEEP_LAST, depth=1, reliability=ReliabilityPolicy.BEST_EFFORT
)

# As tf2_ros has it for /tf.
TF = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=100, reliability=ReliabilityPolicy.RELIABLE)


def image_profile(name: str) -> QoSProfile:
    """The profile of an image subscription: one of NAMES.

    SENSOR_DATA is best effort and keeps the newest image only (REP-2003): a tracker has no use
    for the ones before it.
    """
    return NEWEST if name == "SENSOR_DATA" else QoSPresetProfiles[name].value


def stream_profile(name: str) -> QoSProfile:
    """The profile of a subscription whose messages are wanted in turn: one of NAMES."""
    return QoSPresetProfiles[name].value


def describe(profile: QoSProfile) -> str:
    """Such as "best effort, volatile"."""
    words = (profile.reliability.name, profile.durability.name)
    return ", ".join(word.lower().replace("_", " ") for word in words)
