"""Our messages must meet the genuine ones on the wire, and must never stand in their way."""

import importlib
import json
from pathlib import Path

import pytest

from test.domains import own_domain

ROOT = Path(__file__).parents[2]
INTERFACES = ROOT / "tracker_ros" / "interfaces"
GENUINE = dict(
    line.split()
    for line in (INTERFACES / "type_hashes.txt").read_text().splitlines()
    if not line.startswith("#")
)


def test_every_definition_is_compared_with_the_genuine_one():
    ours = {f"{path.parts[-3]}/msg/{path.stem}" for path in INTERFACES.glob("*/msg/*.msg")}
    assert ours == set(GENUINE)


@pytest.mark.parametrize("name", sorted(GENUINE))
def test_installed_type_hash_is_the_genuine_one(name):
    package = importlib.import_module(name.partition("/")[0])
    prefix = Path(package.__file__).parents[4]
    file = prefix / "share" / f"{name}.json"
    if not file.exists():
        pytest.skip("this ROS 2 release has no type hashes")
    hashes = {h["type_name"]: h["hash_string"] for h in json.loads(file.read_text())["type_hashes"]}
    assert hashes[name] == GENUINE[name]


@pytest.mark.parametrize("name", ["vision_msgs/msg/Detection2DArray", "tf2_msgs/msg/TFMessage"])
def test_type_hash_announced_over_dds_is_the_genuine_one(monkeypatch, name):
    import rclpy

    package, _, message = name.split("/")
    kind = getattr(importlib.import_module(f"{package}.msg"), message)
    for variable, value in own_domain().items():
        monkeypatch.setenv(variable, value)
    context = rclpy.Context()
    rclpy.init(context=context)
    try:
        node = rclpy.create_node("type_hash", context=context)
        node.create_publisher(kind, "topic", 1)
        (publisher,) = node.get_publishers_info_by_topic("topic")
        if not hasattr(publisher, "topic_type_hash"):
            pytest.skip("this ROS 2 release has no type hashes")
        digest = bytes(publisher.topic_type_hash.value).hex()
        assert digest == GENUINE[name].removeprefix("RIHS01_")
    finally:
        rclpy.shutdown(context=context)


@pytest.mark.parametrize("package", sorted({name.partition("/")[0] for name in GENUINE}))
def test_colcon_passes_the_definition_by(package):
    assert (INTERFACES / package / "COLCON_IGNORE").exists()
