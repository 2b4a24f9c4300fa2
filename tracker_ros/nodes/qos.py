"""Quality of service by name, and in words for people."""

from rclpy.qos import (
    HistoryPolicy,
    QoSProfile,
    ReliabilityPolicy,
    qos_profile_sensor_data,
    qos_profile_system_default,
)

RELIABLE = QoSProfile(
    history=HistoryPolicy.KEEP_LAST, depth=10, reliability=ReliabilityPolicy.RELIABLE
)
NEWEST = QoSProfile(
    history=HistoryPolicy.KEEP_LAST, depth=1, reliability=ReliabilityPolicy.BEST_EFFORT
)
# Humble's ``QoSPresetProfiles`` has no DEFAULT, which is RELIABLE.
PRESETS = {
    "SENSOR_DATA": qos_profile_sensor_data,
    "DEFAULT": RELIABLE,
    "SYSTEM_DEFAULT": qos_profile_system_default,
}

# As tf2_ros has it for /tf.
TF = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=100, reliability=ReliabilityPolicy.RELIABLE)


def image_profile(name: str) -> QoSProfile:
    """The profile of an image subscription: one of PRESETS.

    SENSOR_DATA is best effort and keeps the newest image only (REP-2003): a tracker has no use
    for the ones before it.
    """
    return NEWEST if name == "SENSOR_DATA" else PRESETS[name]


def stream_profile(name: str) -> QoSProfile:
    """The profile of a subscription whose messages are wanted in turn: one of PRESETS."""
    return PRESETS[name]


def describe(profile: QoSProfile) -> str:
    """Such as "best effort, volatile"."""
    words = (profile.reliability.name, profile.durability.name)
    return ", ".join(word.lower().replace("_", " ") for word in words)
