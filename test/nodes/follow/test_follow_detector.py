"""The example that hands a detector's box to the tracker node, between real nodes."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[3] / "examples" / "follow_detector.py"


@pytest.fixture
def example(ros):
    """The example in the tracker's namespace, ended when the test is."""
    command = [sys.executable, EXAMPLE, "--ros-args", "-r", "__ns:=/camera1"]
    process = subprocess.Popen([*command, "-p", "class_id:=cup"])
    yield process
    process.terminate()
    assert process.wait(240) == 0


def test_the_best_detection_of_its_class_is_tracked(tracker, scene, example):
    from vision_msgs.msg import Detection2DArray

    from tracker_ros.conversions.boxes import box_to_detection, detection_to_box

    peer = tracker
    detections = peer.node.create_publisher(Detection2DArray, "detections", 10)
    peer.until(detections.get_subscription_count, "the example")
    topic = peer.node.resolve_topic_name("tracker_node/init_target")
    peer.until(lambda: peer.node.count_publishers(topic) > 1, "the example's publisher")
    box = scene.box(0)

    def started():
        stamp = peer.send(scene.frame(0))
        header = peer.header(stamp)
        found = [
            box_to_detection(box, header, "1", "cup", 0.9),
            box_to_detection((5.0, 5.0, 30.0, 30.0), header, "2", "dog", 0.99),
        ]
        detections.publish(Detection2DArray(header=header, detections=found))
        answer, _ = peer.answer(stamp)
        return answer.detections

    (target,) = peer.until(started, "a target")
    x, y, _, _ = detection_to_box(target)
    assert abs(x - box[0]) < 10 and abs(y - box[1]) < 10
