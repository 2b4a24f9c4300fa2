"""Boxes to start on, and the frames that they are meant for."""

import numpy as np
import pytest

from tracker_ros.conversions.boxes import box_to_detection
from tracker_ros.conversions.stamps import seconds

from .calls import box_of, reset


def test_start_is_on_the_frame_with_the_stamp_and_catches_up(tracker, scene):
    reset(tracker)
    for i in range(5):
        tracker.ask(scene.frame(i))
    stamps = tracker.order[-5:]
    tracker.init(scene.box(2), stamps[2])
    tracker.until(lambda: tracker.detections[stamps[4]][-1].detections, "the newest frame's box")
    assert tracker.order[-3:] == stamps[2:]
    assert np.allclose(box_of(tracker.detections[stamps[2]][-1]), scene.box(2))
    assert tracker.overlap(tracker.detections[stamps[4]][-1], scene.box(4)) > 0.5


def test_start_waits_for_a_frame_that_comes_after_its_box(tracker, scene):
    reset(tracker)
    stamp = tracker.stamp + 40_000_000
    tracker.init(scene.box(3), stamp)
    tracker.send(scene.frame(3), stamp=stamp)
    tracker.started(stamp, scene.box(3))


def test_stamp_zero_means_the_newest_frame(tracker, scene):
    reset(tracker)
    stamp = tracker.send(scene.frame(0))
    tracker.answer(stamp)
    tracker.init(scene.box(0), 0)
    tracker.started(stamp, scene.box(0))


def test_every_start_has_a_new_id_unless_it_brings_one(tracker, scene):
    first = tracker.start(scene.frame(0), scene.box(0))
    second = tracker.start(scene.frame(1), scene.box(1))
    assert int(second) > int(first)
    assert tracker.start(scene.frame(2), scene.box(2), target_id="anna") == "anna"
    detections, status = tracker.ask(scene.frame(3))
    assert (detections.detections[0].id, status["target_id"]) == ("anna", "anna")


def test_second_start_moves_to_the_second_box(tracker, scene):
    tracker.start(scene.frame(0), scene.box(0))
    elsewhere = (10.0, 150.0, 60.0, 60.0)
    tracker.start(scene.frame(0), elsewhere)
    detections, _ = tracker.ask(scene.frame(0))
    assert tracker.overlap(detections, elsewhere) > tracker.overlap(detections, scene.box(0))


@pytest.mark.parametrize("box, words", [
    ((float("nan"), 0.0, 10.0, 10.0), "not finite"),
    ((5.0, 5.0, 0.0, 10.0), "no area"),
    ((5.0, 5.0, 10.0, -10.0), "no area"),
    ((5000.0, 5000.0, 10.0, 10.0), "outside"),
])  # fmt: skip
def test_unusable_box_is_diagnosed_and_the_target_kept(tracker, scene, box, words):
    target = tracker.start(scene.frame(0), scene.box(0))
    tracker.init(box, tracker.stamp)
    status = tracker.diagnosis("target", words)
    assert status.message.startswith("/camera1/tracker_node/init_target: ")
    detections, values = tracker.ask(scene.frame(1))
    assert values["target_id"] == target
    assert tracker.overlap(detections, scene.box(1)) > 0.5


def test_box_in_another_coordinate_frame_is_refused(tracker, scene):
    target = tracker.start(scene.frame(0), scene.box(0))
    box = box_to_detection(scene.box(0), tracker.header(tracker.stamp, "rear camera"))
    tracker.inits.publish(box)
    tracker.diagnosis("target", "in the coordinate frame 'rear camera', but the image is in 'cam")
    _, values = tracker.ask(scene.frame(1))
    assert values["target_id"] == target
    box.header.frame_id = ""  # not told
    box.header.stamp = tracker.header().stamp
    tracker.inits.publish(box)
    tracker.started(tracker.stamp, scene.box(0))


def test_stamp_that_no_frame_has_is_diagnosed(tracker, scene):
    target = tracker.start(scene.frame(0), scene.box(0))
    tracker.init(scene.box(0), tracker.stamp + 1)
    tracker.diagnosis("target", f"no frame with the stamp {seconds(tracker.stamp + 1)}")
    _, values = tracker.ask(scene.frame(1))
    assert values["target_id"] == target
    tracker.start(scene.frame(2), scene.box(2))
    tracker.diagnosis("target", "active")
