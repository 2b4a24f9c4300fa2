"""Reset and enable."""

from .calls import enable, reset


def test_reset_drops_the_target(tracker, scene):
    tracker.start(scene.frame(0), scene.box(0))
    assert reset(tracker).message == "target dropped"
    detections, values = tracker.ask(scene.frame(1))
    assert (list(detections.detections), values["state"]) == ([], "NO_TARGET")


def test_reset_and_disabling_leave_nothing_of_the_target(tracker, scene):
    """Also while no image comes: a viewer shows the last marker for ever."""
    from visualization_msgs.msg import ImageMarker

    from tracker_ros.nodes import qos

    markers = []
    tracker.node.create_subscription(
        ImageMarker, "tracker_node/markers", markers.append, qos.RELIABLE
    )

    def said() -> tuple[str, bytes]:
        """The targets' states, and the level; a status may have been under way before."""
        status = tracker.diagnosis("target", "")
        values = {item.key: item.value for item in status.values}
        return values["targets"].partition(" ")[2], status.level

    def marked() -> bool:
        tracker.ask(scene.frame(1))
        tracker.spin(0.1)  # the marker comes after the answer, once both sides have met
        return bool(markers) and markers[-1].action == ImageMarker.ADD

    def follow() -> None:
        tracker.start(scene.frame(0), scene.box(0))
        tracker.until(marked, "a marker")
        tracker.until(lambda: said()[0] == "TRACKING", "the target")

    def gone() -> None:
        tracker.until(lambda: markers[-1].action == ImageMarker.REMOVE, "the marker's removal")
        tracker.until(lambda: said() == ("", b"\x00"), "neither target nor error")

    follow()
    tracker.init((500, 500, 5, 5), tracker.stamp)
    tracker.diagnosis("target", "lies outside")
    reset(tracker)
    gone()
    follow()
    enable(tracker, False)
    gone()
    tracker.diagnosis("target", "tracking is disabled")
    enable(tracker, True)


def test_enable_stops_and_resumes(tracker, scene):
    target = tracker.start(scene.frame(0), scene.box(0))
    enable(tracker, False)
    unseen = tracker.send(scene.frame(1))
    tracker.init(scene.box(1), unseen)
    tracker.diagnosis("target", "while the node is not enabled")
    # Topics overtake each other, but one topic's messages keep their order: once the node complains
    # of the image after the unseen one, that one has come in while the node was not enabled.
    tracker.send(scene.frame(1), encoding="nonsense")
    tracker.diagnosis("input", "nonsense")
    enable(tracker, True)
    detections, values = tracker.ask(scene.frame(1))
    assert (values["target_id"], len(detections.detections)) == (target, 1)
    assert unseen not in tracker.detections
