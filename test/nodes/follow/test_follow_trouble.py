"""What the follow node says of input that it cannot use, and of what it is asked for."""

import array
import math
import re

import pytest

from tracker_ros.datasets.synthetic.clip import HEIGHT, WIDTH
from tracker_ros.runtime.follow.camera import Camera

from .scene import BOX, Scene, flat, meet


def test_a_topic_that_is_silent_is_named_once(ros, run_node):
    node = run_node("follow_node", "-r", "__ns:=/silent", "-p", "depth_source:=points",
                    "-p", "watchdog:=0.1")  # fmt: skip
    peer = Scene(ros, "/silent")
    try:
        message = peer.diagnosis("input", "no usable message").message
    finally:
        peer.node.destroy_node()
    code, output = node.end(2)
    assert code == 0, output
    named = re.findall(r"(\S+): no usable message", message)
    assert sorted(named) == ["/silent/detections", "/silent/points"]


def test_who_else_publishes_places_is_named_until_it_is_gone(follower, run_node):
    """As a node of the same name that somebody has forgotten."""
    node = run_node("follow_node", "-r", "__ns:=/camera2")
    words = "/camera2/follow_node/detections_3d is published by others, too (follow_node): what"
    assert follower.diagnosis("target", words).level == b"\x01"
    assert node.end(2)[0] == 0
    follower.until(lambda: follower.diagnosis("target", "").message == "active", "its end")


def test_what_was_wrong_before_is_over_where_the_node_becomes_active_anew(follower):
    follower.send_depth(flat(), follower.next(), encoding="bgr8")
    follower.diagnosis("input", "encoding 'bgr8' is not one")
    follower.restart()
    assert "bgr8" not in follower.diagnosis("input", "").message
    meet(follower)


@pytest.mark.parametrize("spoil, check, words", [
    (lambda p, s: p.send_depth(flat(), s + 100_000_000), "target", "no depth within 0.02 s (slop)"),
    (lambda p, s: p.send_depth(flat(), s, encoding="bgr8"), "input", "encoding 'bgr8' is not one"),
    (lambda p, s: p.send_depth(flat(), s, step=3), "input", "step is 3 bytes"),
    (lambda p, s: p.send_depth(flat(), s, data=array.array("B")), "input", "data has 0 bytes"),
    (lambda p, s: p.send_depth(flat()[:240], s), "target", "640x240 pixels, but camera_info or "),
    (lambda p, s: p.send_depth(flat(), s, frame_id="right"), "target", "of frame 'right'"),
    (lambda p, s: p.send_depth(flat(0), s), "target", "target fred: 0 of "),
    (lambda p, s: p.send_depth(flat(11), s), "target", "have a depth up to 10 m"),
])  # fmt: skip
def test_bad_depth_gets_a_sentence_and_the_next_good_one_a_place(follower, spoil, check, words):
    stamp = follower.next()
    spoil(follower, stamp)
    follower.send_boxes(stamp, ("fred", BOX))
    assert follower.diagnosis(check, words).level in (b"\x01", b"\x02")
    assert list(follower.place(stamp).detections) == []
    assert not follower.poses[stamp]
    stamp = follower.next() + 200_000_000
    follower.stamp = stamp
    follower.send_depth(flat(), stamp)
    follower.send_boxes(stamp, ("fred", BOX))
    assert len(follower.place(stamp).detections) == 1


@pytest.mark.parametrize("boxes, words", [
    ([("gina", (0.0, 0.0, math.nan, 9.0))], "target gina: box has a value that is not finite"),
    ([("gina", (900.0, 0.0, 20.0, 20.0))], "target gina: the box (900, 0, 20, 20) lies outside"),
    ([("gina", (150.0, 90.0, 1e-200, 1e-200))], "target gina: the box (150, 90, 1e-200, 1e-200)"),
    ([("gina", BOX), ("gina", BOX)], "two detections have the id 'gina'"),
])  # fmt: skip
def test_bad_boxes_get_a_sentence(follower, boxes, words):
    stamp = follower.next()
    follower.send_depth(flat(), stamp)
    follower.send_boxes(stamp, *boxes)
    follower.diagnosis("target", words)
    assert list(follower.place(stamp).detections) == []


def test_boxes_without_a_frame_are_refused(follower):
    stamp = follower.next()
    follower.send_depth(flat(), stamp, frame_id="")
    follower.send_boxes(stamp, ("gina", BOX), frame_id="")
    follower.diagnosis("target", "the boxes have no frame_id")
    assert list(follower.place(stamp).detections) == []


def test_a_sentence_about_a_long_id_ends(follower):
    stamp = follower.next()
    follower.send_depth(flat(0), stamp)
    follower.send_boxes(stamp, ("g" * 100_000, BOX))
    words = f"target {'g' * 60}: 0 of 1296 pixels in the box have a depth"
    message = follower.diagnosis("target", words).message
    assert len(message.partition("; ")[0]) < 200  # what comes after it is about others


def test_a_sentence_is_one_line_whatever_the_id(ros, run_node):
    node = run_node("follow_node", "-r", "__ns:=/camera3", "-r",
                    "detections:=tracker_node/detections")  # fmt: skip
    peer = Scene(ros, "/camera3")
    words = r"target g\n\x1b[2J: 0 of 1296 pixels in the box have a depth"

    def told() -> bool:
        stamp = peer.next()
        peer.send_info(stamp)
        peer.send_depth(flat(0), stamp)
        peer.send_boxes(stamp, ("g\n\x1b[2J", BOX))
        peer.spin(0.1)
        # A late depth image is a problem, too, and of two within a second one is logged.
        return words in node.output and any(words in one.message for one in peer.diagnostics)

    try:
        peer.until(told, f"a log and a diagnostic that say {words}")
    finally:
        peer.node.destroy_node()


@pytest.mark.parametrize("focal", [math.nan, 0.0, 1e-300])
def test_depth_without_usable_camera_info(follower, focal):
    broken = Camera(focal, focal, 319.5, 239.5, WIDTH, HEIGHT)
    follower.send_info(follower.next(), broken)
    follower.diagnosis("input", f"camera_info has no usable K: fx {focal:g}")
    stamp = follower.next()
    follower.send_depth(flat(), stamp)
    follower.send_boxes(stamp, ("hugo", BOX))
    follower.diagnosis("target", "no usable camera_info on /camera2/depth/camera_info")
    assert list(follower.place(stamp).detections) == []

    def usable() -> bool:
        stamp = follower.next()  # all of it: the watchdog does not wait for a slow machine
        follower.send_info(stamp)
        follower.send_depth(flat(), stamp)
        follower.send_boxes(stamp, ("hugo", BOX))
        return follower.diagnosis("input", "").message == "active"

    follower.until(usable, "the end of the error")
    stamp = follower.next()
    follower.send_depth(flat(), stamp)
    follower.send_boxes(stamp, ("hugo", BOX))
    assert len(follower.place(stamp).detections) == 1


def test_a_parameter_that_is_not_there_is_named(follower):
    status = follower.diagnosis("parameters", "there is no parameter depth_scala: it is ignored")
    assert status.level == b"\x01"
    assert "depth_scale is meant?" in status.message


def test_parameters_and_transitions_that_cannot_be_are_refused(follower):
    from lifecycle_msgs.msg import Transition
    from lifecycle_msgs.srv import ChangeState

    (reason,) = follower.set_parameters(depth_scale=0.0)
    assert "depth_scale" in reason
    (reason,) = follower.set_parameters(gate=5.0)
    assert (
        reason == "parameter gate can be set while the node is unconfigured or inactive, not active"
    )
    impossible = Transition(id=Transition.TRANSITION_CONFIGURE)
    request = ChangeState.Request(transition=impossible)
    assert not follower.call(ChangeState, "change_state", request).success
    stamp = follower.next()
    follower.send_depth(flat(), stamp)
    follower.send_boxes(stamp, ("jana", BOX))
    assert len(follower.place(stamp).detections) == 1
