"""The follow node as a process: boxes and depth in, places out."""

import array
import math

import numpy as np
import pytest

from tracker_ros.datasets.synthetic.clip import HEIGHT, WIDTH

from .scene import BOX, CAMERA, FOCAL, FRAME_ID, Scene, flat, markers, meet, point


def transforms(peer: Scene, stamp: int) -> list:
    """Those of the frame of this stamp, once one has come: all are in one message."""
    wanted = peer.header(stamp).stamp
    return peer.until(lambda: [t for t in peer.frames if t.header.stamp == wanted], "a transform")


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
