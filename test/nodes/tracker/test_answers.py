"""The answer to an image: headers, status, an empty one while there is no target."""

import numpy as np
import pytest

from .calls import LOST_AFTER, reset


def test_headers_are_copied_verbatim(tracker, scene):
    tracker.start(scene.frame(0), scene.box(0))
    stamp = tracker.stamp = tracker.stamp + 123_456_789
    header = tracker.header(frame_id="left eye/optical")
    detections, _ = tracker.ask(scene.frame(1), stamp=stamp, header=header)
    assert detections.header == header
    assert detections.detections[0].header == header
    assert tracker.overlap(detections, scene.box(1)) > 0.5


def test_status_tells_all_of_a_frame(tracker, scene):
    target = tracker.start(scene.frame(0), scene.box(0), class_id="face")
    detections, status = tracker.ask(scene.frame(1))
    (detection,) = detections.detections
    assert (detection.id, status["target_id"], status["class_id"]) == (target, target, "face")
    assert status["state"] in ("TRACKING", "UNCERTAIN")
    assert detection.results[0].hypothesis.score == pytest.approx(float(status["score"]), abs=1e-4)
    weights = [float(status[f"gate_{name}"]) for name in ("skip", "se", "ca", "cbam")]
    assert sum(weights) == pytest.approx(1, abs=1e-3)
    assert status["gate_branch"] in ("skip", "se", "ca", "cbam")
    assert int(status["memory_size"]) >= 1
    assert float(status["inference_ms"]) > 0
    assert float(status["pipeline_ms"]) >= float(status["inference_ms"])
    assert int(status["dropped_frames"]) >= 0


def test_without_target_every_frame_has_an_empty_answer(tracker, scene):
    reset(tracker)
    detections, status = tracker.ask(scene.frame(0))
    assert (list(detections.detections), status["state"]) == ([], "NO_TARGET")


def test_lost_target_is_published_as_an_empty_array(tracker, scene):
    target = tracker.start(scene.frame(0), scene.box(0))
    for _ in range(LOST_AFTER):
        detections, status = tracker.ask(scene.blank)
        if status["state"] == "LOST":
            break
    assert status["state"] == "LOST"
    assert (list(detections.detections), detections.header) == ([], tracker.header())
    assert (status["target_id"], status["lost_frames"]) == (target, "1")


def test_a_lost_target_is_told_in_one_line_whatever_its_id(tracker, scene):
    tracker.start(scene.frame(0), scene.box(0), target_id="a\n\x1b[2J")
    for _ in range(LOST_AFTER):
        if tracker.ask(scene.blank)[1]["state"] == "LOST":
            break
    tracker.diagnosis("target", r"target a\n\x1b[2J has been lost for 1 frames")


def test_markers_and_debug_image_come_to_those_who_subscribe(tracker, scene):
    from rclpy.qos import qos_profile_sensor_data
    from sensor_msgs.msg import Image
    from visualization_msgs.msg import ImageMarker

    found = []
    subscriptions = [
        tracker.node.create_subscription(
            kind, f"tracker_node/{name}", found.append, qos_profile_sensor_data
        )
        for kind, name in ((Image, "debug_image"), (ImageMarker, "markers"))
    ]
    tracker.start(scene.frame(0), scene.box(0))

    def images():
        return [message for message in found if isinstance(message, Image)]

    def outlines():  # besides them there are markers that take away an older target's
        return [message for message in found if isinstance(message, ImageMarker) and message.points]

    def both():
        tracker.ask(scene.frame(0))
        return images() and outlines()

    tracker.until(both, "a marker and a debug image")
    image, outline = images()[0], outlines()[0]
    assert (image.width, image.height, image.encoding) == (320, 240, "bgr8")
    assert outline.header.frame_id == image.header.frame_id == "camera"
    assert len(outline.points) == 4
    for subscription in subscriptions:
        tracker.node.destroy_subscription(subscription)


def test_an_attention_image_comes_to_those_who_subscribe(tracker, scene):
    pytest.importorskip("torch")
    from rclpy.qos import qos_profile_sensor_data
    from sensor_msgs.msg import Image

    from tracker_ros.runtime.outputs.attention_view import WIDTH, AttentionView

    found = []
    subscription = tracker.node.create_subscription(
        Image, "tracker_node/attention_image", found.append, qos_profile_sensor_data
    )
    tracker.start(scene.frame(0), scene.box(0))
    stamps = set()

    def shown():
        detections, _ = tracker.ask(scene.frame(1))
        stamps.add(detections.header.stamp.nanosec)
        return found and found[-1].header.stamp.nanosec in stamps

    tracker.until(shown, "an attention image")
    image = found[-1]
    assert (image.width, image.height, image.encoding) == (WIDTH, AttentionView.height, "bgr8")
    pixels = np.frombuffer(image.data, np.uint8).reshape(image.height, image.width, 3)
    assert pixels[380:500, :120].std() > 10  # the first memorised picture
    tracker.node.destroy_subscription(subscription)
