"""A detector starts a target, and finds a lost one again."""

import numpy as np

from tracker_ros.conversions.boxes import box_to_detection, detection_to_box

from .calls import LOST_AFTER


def test_detections_start_and_finds_again(tracker, scene):
    """The optional `detections` input: automatic start, same id when the target is found again."""
    from vision_msgs.msg import Detection2DArray

    tracker.restart(auto_init=True, auto_init_class="face")
    publisher = tracker.node.create_publisher(Detection2DArray, "detections", 10)
    tracker.meet()
    tracker.until(publisher.get_subscription_count, "a subscriber of detections")

    def detect(index: int):
        stamps = []

        def found():
            """Again and again: the first may come before the two have met."""
            stamps.append(tracker.send(scene.frame(index)))
            header = tracker.header()
            right = box_to_detection(scene.box(index), header, "", "face", 0.6)
            wrong = box_to_detection((5, 150, 40, 40), header, "", "helmet", 0.9)
            weak = box_to_detection((9, 99, 40, 40), header, "", "face", 0.3)
            publisher.publish(Detection2DArray(header=header, detections=[weak, wrong, right]))
            tracker.answer(stamps[-1])
            tracker.spin(0.5)
            each = (tracker.detections[stamp][-1].detections for stamp in stamps)
            return next(filter(None, each), None)

        return tracker.until(found, "a start")

    (first,) = detect(0)
    assert np.allclose(detection_to_box(first), scene.box(0))
    assert first.results[0].hypothesis.class_id == "face"
    for _ in range(LOST_AFTER):
        _, values = tracker.ask(scene.blank)
        if values["state"] == "LOST":
            break
    (again,) = detect(3)
    assert again.id == first.id
    newest = tracker.detections[tracker.stamp]
    tracker.until(lambda: newest[-1].detections, "the newest frame's box")  # after the first's
    assert tracker.overlap(newest[-1], scene.box(3)) > 0.5
    bare, turned = (box_to_detection(scene.box(3), tracker.header()) for _ in range(2))
    bare.results.clear()
    turned.bbox.center.theta = 0.5
    publisher.publish(Detection2DArray(header=tracker.header(), detections=[bare, turned]))
    tracker.diagnosis("target", "detections: box is rotated by 0.5 rad")
    publisher.publish(Detection2DArray(header=tracker.header(), detections=[bare]))
    status = tracker.diagnosis("target", "detections: 1 of 1 detections have no hypothesis")
    assert status.level == b"\x01"
    misspelt = box_to_detection(scene.box(3), tracker.header(), "", "Face", 0.9)
    publisher.publish(Detection2DArray(header=tracker.header(), detections=[misspelt]))
    tracker.until(
        lambda: any(
            item.key == "passed_over_detection" and item.value == "'Face', score 0.90"
            for status in tracker.diagnostics
            for item in status.values
        ),
        "a word of the class that is spelt otherwise",
    )
    tracker.restart(auto_init=False, auto_init_class="")
    tracker.meet()
    tracker.node.destroy_publisher(publisher)
