"""What the tests of the tracker node ask it."""

from tracker_ros.conversions.boxes import detection_to_box

STEP = 33_000_000  # ns between two frames
LOST_AFTER = 60  # frames; the shipped model's own limit is far below


def box_of(detections):
    (detection,) = detections.detections
    return detection_to_box(detection)


def settle(tracker, scene):
    """Make the node believe the peer's clock, whatever it was."""
    tracker.send(scene.frame(0))
    tracker.send(scene.frame(0))
    tracker.ask(scene.frame(0))


def reset(tracker):
    from std_srvs.srv import Trigger

    response = tracker.call(Trigger, "reset", Trigger.Request())
    assert response.success
    return response


def enable(tracker, value: bool) -> None:
    from std_srvs.srv import SetBool

    assert tracker.call(SetBool, "enable", SetBool.Request(data=value)).success
