"""Trouble on the way of the images is diagnosed with its reason, and the warning ends with it."""

from itertools import count, islice

import cv2
import pytest

from test.nodes.conftest import ROOT, STEP, Peer

WARN = b"\x01"


@pytest.fixture
def folder(tmp_path, scene):
    """640x480 images, too large for Fast DDS's own shared memory."""
    for i in range(60):
        image = cv2.resize(scene.frame(i % 40), (640, 480))
        cv2.imwrite(str(tmp_path / f"{i:03}.jpg"), image)
    return tmp_path


def values_of(status) -> dict[str, str]:
    return {item.key: item.value for item in status.values}


@pytest.fixture
def transport(ros, run_node, folder, monkeypatch):
    """Runs a player and a tracker without the package's profile; a peer hears the diagnostics."""
    monkeypatch.setenv("FASTDDS_BUILTIN_TRANSPORTS", "DEFAULT")
    for name in ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE"):
        monkeypatch.delenv(name, raising=False)
    peer = Peer(ros, "/trouble")

    def run(image_qos: str, *player: str) -> Peer:
        space = ("-r", "__ns:=/trouble", "-p")
        run_node("tracker_node", *space, f"image_qos:={image_qos}")
        run_node("player_node", *space, f"source:={folder}", "-p", "loop:=true", *player)
        return peer

    yield run
    peer.node.destroy_node()


def test_images_lost_in_transport_are_counted_with_the_remedies(transport):
    peer = transport("SENSOR_DATA", "-p", "rate:=30.0")
    status = peer.diagnosis("input", "were lost in transport")
    assert status.level == WARN
    assert "config/fastdds.xml" in status.message
    assert "publish reliably" in status.message

    # The first that is told may be of the first few.
    def lost():
        return int(values_of(peer.diagnosis("input", "lost in transport"))["lost_in_transport"])

    peer.until(lambda: lost() > 3, "more losses")


def test_automatic_quality_of_service_loses_none(transport):
    # The next image once this is answered: the player keeps ten, which a slow machine may take in
    # too late. Where the first are lost, nobody answers.
    peer = transport("AUTO", "-p", "mode:=acknowledged", "-p", "acknowledge_timeout:=2.0")

    def heard(count: int):
        values = values_of(peer.diagnosis("input", ""))
        reliable = values["quality_of_service"] == "reliable, volatile"
        return reliable and int(values["received"]) > count and values

    # Some may be lost that come best effort, before the two have found each other.
    first = peer.until(lambda: heard(0), "a reliable image")
    values = peer.until(lambda: heard(int(first["received"]) + 20), "20 images more")
    assert values["lost_in_transport"] == first["lost_in_transport"]
    assert (values["size"], values["encoding"]) == ("640x480", "bgr8")


def test_second_publisher_is_named_until_it_is_gone(tracker):
    from sensor_msgs.msg import Image

    second = tracker.node.create_publisher(Image, "image", 10)
    status = tracker.diagnosis("input", "2 publish images here: peer, peer")
    assert status.level == WARN
    tracker.node.destroy_publisher(second)
    tracker.until(lambda: "2 publish" not in tracker.diagnosis("input", "").message, "its end")


def test_who_else_publishes_boxes_is_named_until_it_is_gone(tracker):
    """As a node that somebody has forgotten, or a bag with the boxes of another day."""
    from vision_msgs.msg import Detection2DArray

    second = tracker.node.create_publisher(Detection2DArray, "tracker_node/detections", 10)
    words = "/camera1/tracker_node/detections is published by others, too (peer): what comes there"
    assert tracker.diagnosis("target", words).level == WARN
    tracker.node.destroy_publisher(second)
    tracker.until(lambda: tracker.diagnosis("target", "").message == "active", "its end")


def test_every_third_stamp_backwards_is_a_warning_until_it_ends(tracker, scene):
    for _ in range(3):
        tracker.send(scene.frame(0))
    tracker.ask(scene.frame(0))
    status = None
    while status is None or "their stamps do not fit in" not in status.message:
        for _ in range(5):
            right = tracker.stamp
            tracker.send(scene.frame(0), stamp=right - 2_000_000_000)
            tracker.ask(scene.frame(0), stamp=right + 33_000_000)
            tracker.ask(scene.frame(0))
        status = tracker.diagnosis("input", "")
    assert status.level == WARN
    while tracker.diagnosis("input", "").level == WARN:
        tracker.ask(scene.frame(0))


def test_stamps_of_another_time_are_a_warning_until_they_are_right(tracker, scene):
    import time

    def warned(words: str, *stamps: int):
        """The warning, once the node has said it; it says so only while images come."""
        for stamp in stamps:
            tracker.send(scene.frame(0), stamp=stamp)
        status = tracker.diagnosis("stamps", "")
        return status if words in status.message and status.level == WARN else None

    def right() -> bool:
        tracker.send(scene.frame(0), stamp=time.time_ns())
        return tracker.diagnosis("stamps", "").level == b"\x00"

    before = tracker.stamp
    tracker.until(right, "the end of the warning")
    ahead = count(time.time_ns() + 3600_000_000_000)
    words = "s ahead of the node's clock"
    status = tracker.until(lambda: warned(words, *islice(ahead, 3)), "a warning")
    assert float(values_of(status)["delay_s"]) == pytest.approx(-3600, abs=60)
    behind = count(before + STEP, STEP)
    words = "s behind the node's clock"
    assert tracker.until(lambda: warned(words, *islice(behind, 4)), "a warning")
    tracker.ask(scene.frame(0))
    tracker.order.clear()  # of the future


def test_lost_target_is_a_warning_until_it_is_found_or_dropped(tracker, scene):
    from std_srvs.srv import Trigger

    target = tracker.start(scene.frame(0), scene.box(0))
    for _ in range(60):
        _, values = tracker.ask(scene.blank)
        if values["state"] == "LOST":
            break
    assert tracker.diagnosis("target", f"target {target} has been lost for").level == WARN
    tracker.call(Trigger, "reset", Trigger.Request())
    tracker.ask(scene.blank)
    assert tracker.diagnosis("target", "active").level == b"\x00"


def test_frames_faster_than_the_tracker_are_a_warning_until_they_are_not(tracker, scene):
    tracker.start(scene.frame(0), scene.box(0))

    def flood() -> bool:
        # No more than the subscription keeps: beyond, Fast DDS may hang (docs/reliability.md).
        for i in range(5):
            tracker.send(scene.frame(i))
        tracker.taken(tracker.stamp)
        return any("faster than they can be tracked" in s.message for s in tracker.diagnostics)

    tracker.diagnostics.clear()
    tracker.until(flood, "a warning")

    def calm() -> bool:
        tracker.ask(scene.frame(0))
        return tracker.diagnosis("input", "").level == b"\x00"

    tracker.until(calm, "the end of the warning")


def test_misspelt_parameter_is_named(run_node, ros, tmp_path):
    file = tmp_path / "tracker.yaml"
    text = (ROOT / "config/tracker.yaml").read_text()
    file.write_text(
        text.replace("    watchdog:", "    watchdgo:").replace("init_bbox", "bbox_init")
    )
    peer = Peer(ros, "/misspelt")
    node = run_node("tracker_node", "-r", "__ns:=/misspelt", "--params-file", str(file))
    try:
        status = peer.diagnosis(
            "parameters", "there is no parameter watchdgo: it is ignored; watch"
        )
        assert status.level == WARN
        assert "there is no parameter bbox_init: it is ignored" in status.message
    finally:
        peer.node.destroy_node()
    code, output = node.end(2)
    assert code == 0
    assert "there is no parameter watchdgo" in output


def test_a_parameter_without_effect_is_named_until_it_has_one(tracker):
    tracker.set_parameters(auto_init_class="cup")
    words = "parameter auto_init_class is 'cup', but has no effect without auto_init: true or "
    assert tracker.diagnosis("parameters", words).level == WARN
    try:
        tracker.restart(auto_init_new=True)
        assert tracker.diagnosis("parameters", "active").level == b"\x00"
    finally:
        tracker.restart(auto_init_new=False, auto_init_class="")


def test_debug_image_is_reliable_for_rviz(tracker):
    topic = tracker.node.resolve_topic_name("tracker_node/debug_image")
    found = tracker.until(lambda: tracker.node.get_publishers_info_by_topic(topic), "a publisher")
    assert found[0].qos_profile.reliability.name == "RELIABLE"
