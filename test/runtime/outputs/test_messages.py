"""The same messages with rclpy and without: what a bag holds is what the live node publishes."""

from types import SimpleNamespace

import numpy as np
import pytest

from tracker_ros.conversions.images import bgr_to_compressed
from tracker_ros.conversions.make import ros_message
from tracker_ros.conversions.stamps import ns_to_stamp
from tracker_ros.core.gate import Gate
from tracker_ros.core.state import TargetState
from tracker_ros.core.trackable import Result
from tracker_ros.runtime.answer import Answer, Target
from tracker_ros.runtime.outputs import messages, status
from tracker_ros.sources.bag.source import COMPRESSED
from tracker_ros.sources.bag.typestore import bag_message, default_typestore

GATE = Gate((0.1, 0.2, 0.3, 0.4), "cbam")


def answer(make, box):
    header = make("std_msgs/msg/Header", stamp=ns_to_stamp(3_000_000_007, make), frame_id="eye")
    frame = SimpleNamespace(message=SimpleNamespace(header=header))
    state = TargetState.TRACKING if box else TargetState.LOST
    result = Result(box, 0.75, state, 0 if box else 4, GATE, {"crop": 1.0})
    image = np.arange(48 * 64 * 3, dtype=np.uint8).reshape(48, 64, 3)
    about = {"gate": GATE, "memory_size": 3}
    return Answer(frame, image, Target("7", "cup", 0), result, box, state.name, 0.75, **about)


def check(answer, make):
    checked = status.frame_check(answer, 0)
    return status.to_array([checked], answer.frame.message.header, "tracker_node", "eye", make)


BUILDERS = {
    messages.DETECTIONS: lambda answer, make: messages.detections(answer, make),
    messages.STATUS: check,
    messages.MARKER: lambda answer, make: messages.marker(answer, make),
    messages.DEBUG_IMAGE: lambda answer, make: messages.debug_image(answer, make),
    COMPRESSED: lambda answer, make: bgr_to_compressed(
        answer.image, answer.frame.message.header, make=make
    ),
}


@pytest.mark.parametrize("box", ((1.0, 2.0, 30.5, 40.0), None))
@pytest.mark.parametrize("kind", BUILDERS)
def test_a_bag_gets_what_the_node_publishes(kind, box):
    rclpy = pytest.importorskip("rclpy.serialization")
    store, build = default_typestore(), BUILDERS[kind]
    published = build(answer(ros_message, box), ros_message)
    # By way of rosbags, for rclpy pads the end.
    published = store.deserialize_cdr(bytes(rclpy.serialize_message(published)), kind)
    written = store.serialize_cdr(build(answer(bag_message, box), bag_message), kind)
    assert bytes(written) == bytes(store.serialize_cdr(published, kind))


def test_any_message_has_its_defaults_without_ros():
    rclpy = pytest.importorskip("rclpy.serialization")
    store = default_typestore()
    for kind in ("sensor_msgs/msg/CameraInfo", "vision_msgs/msg/Detection3D", messages.MARKER):
        published = store.deserialize_cdr(bytes(rclpy.serialize_message(ros_message(kind))), kind)
        written = store.serialize_cdr(bag_message(kind), kind)
        assert bytes(written) == bytes(store.serialize_cdr(published, kind))
