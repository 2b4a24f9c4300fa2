"""The markers of the follow node: none stays behind."""

from .scene import BOX, FRAME_ID, flat, markers, meet


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
