"""Our vision_msgs must meet the genuine package on the wire, and must never stand in its way."""

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
INTERFACES = ROOT / "tracker_ros" / "interfaces"
GENUINE = dict(
    line.split()
    for line in (INTERFACES / "type_hashes.txt").read_text().splitlines()
    if not line.startswith("#")
)


def test_the_definition_has_every_message_of_the_genuine_package():
    assert {path.stem for path in INTERFACES.glob("vision_msgs/msg/*.msg")} == set(GENUINE)


@pytest.mark.parametrize("name", sorted(GENUINE))
def test_installed_type_hash_is_the_genuine_one(name):
    import vision_msgs

    prefix = Path(vision_msgs.__file__).parents[4]
    file = prefix / "share" / "vision_msgs" / "msg" / f"{name}.json"
    if not file.exists():
        pytest.skip("this ROS 2 release has no type hashes")
    hashes = {h["type_name"]: h["hash_string"] for h in json.loads(file.read_text())["type_hashes"]}
    assert hashes[f"vision_msgs/msg/{name}"] == GENUINE[name]


def test_type_hash_announced_over_dds_is_the_genuine_one(monkeypatch):
    import rclpy
    from vision_msgs.msg import Detection2DArray

    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    context = rclpy.Context()
    rclpy.init(context=context)
    try:
        node = rclpy.create_node("type_hash", context=context)
        node.create_publisher(Detection2DArray, "detections", 1)
        (publisher,) = node.get_publishers_info_by_topic("detections")
        if not hasattr(publisher, "topic_type_hash"):
            pytest.skip("this ROS 2 release has no type hashes")
        digest = bytes(publisher.topic_type_hash.value).hex()
        assert digest == GENUINE["Detection2DArray"].removeprefix("RIHS01_")
    finally:
        rclpy.shutdown(context=context)


def test_colcon_passes_the_definition_by():
    assert (INTERFACES / "vision_msgs" / "COLCON_IGNORE").exists()
