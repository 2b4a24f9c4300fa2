"""The follow node as a process: boxes and depth in, places out."""

import array
import math
import re

import numpy as np
import pytest

from tracker_ros.datasets.synthetic.clip import HEIGHT, WIDTH
from tracker_ros.runtime.follow.camera import Camera

from ..conftest import NodeProcess, ending_well
from .scene import CAMERA, FOCAL, FRAME_ID, Scene, meet, point

BOX = (120.0, 60.0, 60.0, 60.0)


def markers(peer: Scene, header) -> list:
    """Those with this header."""
    return [m for array in peer.shown for m in array.markers if m.header == header]


def transforms(peer: Scene, stamp: int) -> list:
    """Those of the frame of this stamp, once one has come: all are in one message."""
    wanted = peer.header(stamp).stamp
    return peer.until(lambda: [t for t in peer.frames if t.header.stamp == wanted], "a transform")


@pytest.fixture(scope="module")
def follower(ros):
    """A peer in touch with an active follow node; no tracker but the peer."""
    node = NodeProcess("follow_node", "-r", "__ns:=/camera2", "-r",
                      "detections:=tracker_node/detections", "-r",
                      "status:=tracker_node/status", "-p", "depth_qos:=DEFAULT",
                      "-p", "tf:=true", "-p", "depth_scala:=0.5",
                      "-p", "watchdog:=3600.0")  # fmt: skip
    with ending_well(Scene(ros, "/camera2"), node) as peer:
        meet(peer)
        yield peer


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


def flat(metres: float = 2.0):
    return np.full((HEIGHT, WIDTH), metres)


def test_place_of_a_box(follower):
    stamp = follower.next()
    follower.send_depth(flat(2.5), stamp)
    follower.send_boxes(stamp, ("olga", (400.0, 100.0, 50.0, 80.0)))
    array_3d = follower.place(stamp)
    (one,) = array_3d.detections
    header = follower.header(stamp, FRAME_ID)
    assert array_3d.header == one.header == header
    assert (one.id, one.results[0].hypothesis.class_id) == ("olga", "cup")
    assert one.results[0].hypothesis.score == 0.75
    expected = CAMERA.view(425.0, 140.0).locate(2.5)
    np.testing.assert_allclose(point(one.bbox.center), expected, atol=0.01)
    np.testing.assert_allclose(point(one.results[0].pose.pose), expected, atol=0.01)
    size = (one.bbox.size.x, one.bbox.size.y)
    assert size == pytest.approx((50 * 2.5 / FOCAL, 80 * 2.5 / FOCAL), rel=0.01)
    covariance = one.results[0].pose.covariance.reshape(6, 6)
    np.testing.assert_allclose(covariance, covariance.T)
    assert np.linalg.eigvalsh(covariance).min() > 0
    assert 0.01 < math.sqrt(covariance[2, 2]) < 0.05
    (transform,) = transforms(follower, stamp)
    assert (transform.header, transform.child_frame_id) == (header, "target_olga")
    move, turn = transform.transform.translation, transform.transform.rotation
    np.testing.assert_allclose((move.x, move.y, move.z), expected, atol=0.01)
    assert (turn.x, turn.y, turn.z, turn.w) == (0, 0, 0, 1)
    shown = follower.until(lambda: markers(follower, header), "markers")
    shown = [m for m in shown if m.action == 0]
    assert {(m.ns, m.type) for m in shown} == {("olga", 2), ("olga", 9)}
    assert "2.50 m" in next(m.text for m in shown if m.type == 9)


def test_a_frame_that_two_targets_would_have_is_not_broadcast(follower):
    stamp = follower.next()
    follower.send_depth(flat(), stamp)
    boxes = [
        (one, (100.0 + 150 * i, 100.0, 60.0, 60.0)) for i, one in enumerate(("o p", "o-p", "q"))
    ]
    follower.send_boxes(stamp, *boxes)
    follower.diagnosis(
        "target", "several targets would be frame target_o_p, which is not broadcast"
    )
    assert len(follower.place(stamp).detections) == 3
    assert [one.child_frame_id for one in transforms(follower, stamp)] == ["target_q"]


def test_pose_is_that_of_the_target_id(follower):
    assert follower.set_parameters(target_id="bert") == []
    for targets in (["anna"], ["anna", "bert"]):
        stamp = follower.next()
        follower.send_depth(flat(), stamp)
        boxes = [(one, (100.0 + 200 * i, 100.0, 60.0, 60.0)) for i, one in enumerate(targets)]
        follower.send_boxes(stamp, *boxes)
        follower.place(stamp)
    (pose,) = follower.until(lambda: follower.poses[stamp], "a pose")
    assert pose.header == follower.header(stamp, FRAME_ID)
    np.testing.assert_allclose(point(pose.pose), CAMERA.view(330.0, 130.0).locate(2.0), atol=0.01)
    assert not follower.poses[stamp - 33_000_000]
    assert follower.set_parameters(target_id="") == []


def test_pose_goes_on_with_the_next_once_the_tracker_has_the_first_no_longer(follower):
    def see(one: str, state: str, *tracked: str) -> int:
        stamp = follower.next()
        follower.send_depth(flat(), stamp)
        follower.send_boxes(stamp, (one, BOX))
        follower.send_status(stamp, state, **dict.fromkeys(tracked, ""))
        assert [seen.id for seen in follower.place(stamp).detections] == [one]
        return stamp

    follower.until(lambda: follower.poses[see("lisa", "TRACKING", "lisa")], "a pose of lisa")
    first = follower.stamp
    for state, *tracked in (("LOST", "lisa", "mona"), ("DROPPED",), ("ERROR",)):
        for _ in range(2):
            stamp = see("mona", state, *tracked)  # as a detector adds it
        status = follower.diagnosis("target", "pose waits for target lisa, which has no place")
        assert status.message.endswith("; others have: mona")
        assert status.level == b"\x01"
        assert not follower.poses[stamp]
    follower.until(lambda: follower.poses[see("mona", "TRACKING", "mona")], "a pose of mona")
    assert follower.stamp < first + 5_000_000_000  # before lisa is forgotten


def test_what_is_hidden_has_neither_pose_nor_marker(follower):
    stamp = follower.next()
    follower.send_depth(flat(), stamp)
    follower.send_boxes(stamp, ("carl", BOX))
    assert len(follower.place(stamp).detections) == 1
    stamp = follower.next()
    follower.send_depth(flat(), stamp)
    follower.send_boxes(stamp)
    assert list(follower.place(stamp).detections) == []
    header = follower.header(stamp, FRAME_ID)
    deleted = follower.until(lambda: markers(follower, header), "the markers' removal")
    assert {(m.ns, m.id, m.action) for m in deleted} == {("carl", 0, 2), ("carl", 1, 2)}
    assert not follower.poses[stamp]


def test_no_marker_stays_behind_a_node_that_is_deactivated(follower):
    stamp = follower.next()
    follower.send_depth(flat(), stamp)
    follower.send_boxes(stamp, ("ines", BOX))
    assert len(follower.place(stamp).detections) == 1
    header = follower.header(stamp, FRAME_ID)

    def hers() -> list:
        return [m for m in markers(follower, header) if m.ns == "ines"]

    follower.until(lambda: len(hers()) == 2, "markers")
    follower.change_state("deactivate")
    follower.until(lambda: len(hers()) == 4, "the markers' removal")
    assert {(m.id, m.action) for m in hers()[2:]} == {(0, 2), (1, 2)}
    follower.change_state("activate")
    meet(follower)


def test_no_marker_stays_behind_a_tracker_that_is_silent(follower):
    """As one that is disabled, whose images go on."""
    stamp = follower.next()
    follower.send_depth(flat(), stamp)
    follower.send_boxes(stamp, ("edda", BOX))
    header = follower.header(stamp, FRAME_ID)

    def hers() -> list[int]:
        return [m.action for m in markers(follower, header) if m.ns == "edda"]

    follower.until(lambda: hers() == [0, 0], "markers")
    assert follower.set_parameters(watchdog=0.1) == []
    follower.until(lambda: hers() == [0, 0, 2, 2], "the markers' removal")
    assert follower.set_parameters(watchdog=3600.0) == []


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


def test_jump_to_the_background_is_refused_and_named(follower):
    for _ in range(5):
        stamp = follower.next()
        follower.send_depth(flat(), stamp)
        follower.send_boxes(stamp, ("dora", BOX))
        follower.position(stamp)
    stamp = follower.next()
    follower.send_depth(flat(4.0), stamp)
    follower.send_boxes(stamp, ("dora", BOX))
    assert list(follower.place(stamp).detections) == []
    status = follower.diagnosis("target", "target dora: the depth in the box jumped from 2.0")
    assert status.level == b"\x01"
    assert not follower.poses[stamp]


def test_frames_answered_again_do_not_let_an_occluder_in_but_a_bag_that_begins_again_does(follower):
    first = follower.next()
    for i in range(8):
        stamp = follower.next()
        follower.send_depth(flat(2.0 if i < 5 else 1.0), stamp)
        follower.send_boxes(stamp, ("nora", BOX))
        assert len(follower.place(stamp).detections) == (i < 5)
    for again in (stamp - 33_000_000, stamp):  # as where a second target starts in the past
        follower.places[again].clear()
        follower.send_boxes(again, ("nora", BOX), ("otto", (400.0, 100.0, 50.0, 80.0)))
        assert [one.id for one in follower.place(again).detections] == ["otto"]
        assert not follower.poses[again]
    follower.diagnosis("target", "target nora: the depth in the box jumped from 2.0")

    def begun_again():
        follower.send_depth(flat(1.0), first)
        follower.send_boxes(first, ("nora", BOX))  # they may come before the depth
        return follower.poses[first]

    pose = follower.until(begun_again, "a pose of the second pass")[0].pose
    assert pose.position.z == pytest.approx(1.0, rel=0.01)


def test_depth_of_another_stamp_within_slop(follower):
    for shift in (0, 10_000_000):
        stamp = follower.next()
        follower.send_depth(flat(), stamp + shift)
        follower.send_boxes(stamp, ("emil", BOX))
        assert len(follower.place(stamp).detections) == 1


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


def test_place_from_an_organised_cloud(follower):
    from sensor_msgs.msg import PointCloud2, PointField

    follower.change_state("deactivate")
    assert follower.set_parameters(depth_source="points") == []
    follower.change_state("activate")
    follower.until(follower.clouds.get_subscription_count, "a subscriber of points")
    depth = flat(4.0)
    depth[60:200, 100:220] = 2.0
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    rays = np.stack([(columns - CAMERA.cx) / FOCAL, (rows - CAMERA.cy) / FOCAL, 0 * rows + 1], -1)
    points = (rays * depth[..., None]).astype("<f4")

    def sent(cloud) -> int:
        stamp = follower.next()
        fields = [
            PointField(name=n, offset=4 * i, datatype=7, count=1) for i, n in enumerate("xyz")
        ]
        message = PointCloud2(header=follower.header(stamp, FRAME_ID), width=WIDTH, height=HEIGHT,
                              fields=fields, point_step=12, row_step=12 * WIDTH,
                              data=array.array("B", cloud.tobytes()))  # fmt: skip
        follower.clouds.publish(message)
        follower.send_boxes(stamp, ("ida", BOX))
        return stamp

    first = follower.stamp

    def answered():
        sent(points)
        follower.spin(0.5)
        heard = [found for stamp, found in follower.places.items() if stamp > first]
        return any(each.detections for found in heard for each in found)

    follower.until(answered, "a first place")
    expected = CAMERA.view(150.0, 90.0).locate(2.0)
    np.testing.assert_allclose(follower.position(sent(points)), expected, atol=0.01)
    sent(np.ascontiguousarray(points[..., [2, 0, 1]]))
    follower.diagnosis("input", "not the view of a pinhole camera in its optical frame")
    np.testing.assert_allclose(follower.position(sent(points)), expected, atol=0.01)
    assert follower.set_parameters(depth_scale=0.01) == []
    words = "parameter depth_scale is 0.01, but has no effect without depth_source: image"
    assert words in follower.diagnosis("parameters", words).message
    assert follower.set_parameters(depth_scale=0.001) == []
    follower.change_state("deactivate")
    assert follower.set_parameters(depth_source="image") == []
    follower.change_state("activate")
    meet(follower)


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
