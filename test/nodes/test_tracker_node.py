"""The tracker node over DDS: image in, box out; starting, losing, what must not disturb it."""

import array

import cv2
import numpy as np
import pytest

from tracker_ros.conversions import box_to_detection, detection_to_box, seconds

STEP = 33_000_000  # ns between two frames
LOST_AFTER = 60  # frames; the shipped model's own limit is far below


def box_of(detections):
    (detection,) = detections.detections
    return detection_to_box(detection)


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


def test_lost_target_is_published_as_an_empty_array(tracker, scene):
    target = tracker.start(scene.frame(0), scene.box(0))
    for _ in range(LOST_AFTER):
        detections, status = tracker.ask(scene.blank)
        if status["state"] == "LOST":
            break
    assert status["state"] == "LOST"
    assert (list(detections.detections), detections.header) == ([], tracker.header())
    assert (status["target_id"], status["lost_frames"]) == (target, "1")


@pytest.mark.parametrize("encoding", [
    "bgr8", "rgb8", "bgra8", "rgba8", "mono8", "mono16", "8UC1", "8UC3", "8UC4",
    "16UC1", "32FC1", "bayer_rggb8", "bayer_bggr8", "bayer_gbrg8", "bayer_grbg8",
])  # fmt: skip
def test_every_encoding(tracker, scene, encoding):
    def fields(index: int) -> dict:
        pixels = encode(scene.frame(index), encoding)
        padded = np.pad(pixels.reshape(240, -1).view(np.uint8), ((0, 0), (0, 12)))
        data = array.array("B", padded.tobytes())
        return {"encoding": encoding, "step": padded.shape[1], "data": data, "is_bigendian": 1}

    # The picture has the wrong colours without its encoding, and is sheared without its step.
    reset(tracker)
    stamp = tracker.send(scene.frame(0), **fields(0))
    tracker.init(scene.box(0), stamp)
    tracker.started(stamp, scene.box(0))
    detections, _ = tracker.ask(scene.frame(1), **fields(1))
    assert tracker.overlap(detections, scene.box(1)) > 0.5


def encode(bgr: np.ndarray, encoding: str) -> np.ndarray:
    """What a camera sends of `bgr`; 16 bits in big-endian order."""
    grey = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)
    if encoding.startswith("bayer"):
        mosaic = np.empty_like(grey)
        for i, colour in enumerate(encoding[6:10]):
            at = (slice(i // 2, None, 2), slice(i % 2, None, 2))
            mosaic[at] = bgr[..., "bgr".index(colour)][at]
        return mosaic
    return {
        "bgr8": bgr, "8UC3": bgr, "rgb8": bgr[..., ::-1], "mono8": grey, "8UC1": grey,
        "bgra8": cv2.cvtColor(bgr, cv2.COLOR_BGR2BGRA),
        "8UC4": cv2.cvtColor(bgr, cv2.COLOR_BGR2BGRA),
        "rgba8": cv2.cvtColor(bgr, cv2.COLOR_BGR2RGBA),
        # Of the 16 bits a thermal camera uses few.
        "mono16": (grey.astype(np.uint16) * 4 + 7000).astype(">u2"),
        "16UC1": grey.astype(">u2"),
        "32FC1": (grey / 50).astype(">f4"),
    }[encoding].copy()  # fmt: skip


@pytest.mark.parametrize("fields, words", [
    ({"encoding": "nv21"}, "/camera1/image: image encoding 'nv21' is not one of"),
    ({"width": 0, "height": 0, "data": array.array("B")}, "image of 0x0 pixels"),
    ({"data": array.array("B", bytes(1000))}, "image data has 1000 bytes"),
    ({"step": 100}, "image step is 100 bytes"),
    ({"width": 2**31}, "each side must be between"),
])  # fmt: skip
def test_malformed_image_is_diagnosed_and_the_next_good_one_tracked(tracker, scene, fields, words):
    target = tracker.start(scene.frame(0), scene.box(0))
    bad = tracker.send(scene.frame(1), **fields)
    status = tracker.diagnosis("input", words)
    assert status.level == b"\x02"
    detections, values = tracker.ask(scene.frame(1))
    assert values["target_id"] == target
    assert tracker.overlap(detections, scene.box(1)) > 0.5
    assert bad not in tracker.detections
    (refused,) = tracker.statuses[bad]
    assert refused["state"] == "ERROR"


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


def test_image_of_another_size_is_not_tracked_in(tracker, scene):
    target = tracker.start(scene.frame(0), scene.box(0))
    detections, values = tracker.ask(np.ascontiguousarray(scene.frame(1)[::2, ::2]))
    assert (list(detections.detections), values["state"]) == ([], "ERROR")
    tracker.diagnosis("target", "160x120 pixels, but was 320x240")
    detections, values = tracker.ask(scene.frame(1))
    assert (values["target_id"], len(detections.detections)) == (target, 1)


def test_clock_that_goes_back_for_good_drops_the_target(tracker, scene):
    settle(tracker, scene)
    tracker.start(scene.frame(0), scene.box(0))
    old = tracker.stamp
    tracker.stamp = old - 10_000_000_000
    for _ in range(2):
        tracker.send(scene.frame(1))
    _, values = tracker.ask(scene.frame(1))
    assert (values["state"], values["target_id"]) == ("NO_TARGET", "")
    tracker.diagnosis("input", "jumped back in time")
    tracker.init(scene.box(0), old)  # the frames from before are gone
    tracker.diagnosis("target", "no frame with the stamp")
    tracker.stamp = old
    settle(tracker, scene)


@pytest.mark.parametrize("offsets", [
    [5], [-5], [3600], [-0.05], [5, 5], [5, -5], [-5, -4, -9], ["zero"], ["zero", 5],
    ["zero", "zero"],
])  # fmt: skip
def test_wrong_stamps_are_named_and_the_target_is_tracked_on(tracker, scene, offsets):
    settle(tracker, scene)
    target = tracker.start(scene.frame(0), scene.box(0))
    tracker.ask(scene.frame(1))
    right, wrong = tracker.stamp, []
    for i, offset in enumerate(offsets, 2):
        right += STEP
        wrong.append(0 if offset == "zero" else right + round(offset * 1e9))
        tracker.send(scene.frame(i), stamp=wrong[-1])
    for i in range(2 + len(offsets), 6 + len(offsets)):
        right += STEP
        detections, values = tracker.ask(scene.frame(i), stamp=right)
        assert values["target_id"] == target
        assert tracker.overlap(detections, scene.box(i)) > 0.5
    assert tracker.diagnosis("input", "stamp ").level == b"\x01"
    assert not set(wrong) & set(tracker.detections)
    assert {tracker.statuses[stamp][-1]["state"] for stamp in wrong} == {"DROPPED"}


def test_clock_that_is_set_ahead_keeps_the_target(tracker, scene):
    target = tracker.start(scene.frame(0), scene.box(0))
    tracker.ask(scene.frame(1))
    tracker.stamp += 3600_000_000_000
    for i in (2, 3):
        tracker.send(scene.frame(i))
    for i in (4, 5):
        detections, values = tracker.ask(scene.frame(i))
        assert values["target_id"] == target
        assert tracker.overlap(detections, scene.box(i)) > 0.5
    tracker.diagnosis("input", "jumped ahead in time by 3600")


def settle(tracker, scene):
    """Make the node believe the peer's clock, whatever it was."""
    tracker.send(scene.frame(0))
    tracker.send(scene.frame(0))
    tracker.ask(scene.frame(0))


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

    def both():
        tracker.ask(scene.frame(0))
        return {type(message) for message in found} == {Image, ImageMarker}

    tracker.until(both, "a marker and a debug image")
    image = next(m for m in found if isinstance(m, Image))
    assert (image.width, image.height, image.encoding) == (320, 240, "bgr8")
    marker = next(m for m in reversed(found) if isinstance(m, ImageMarker))
    assert marker.header.frame_id == image.header.frame_id == "camera"
    assert len(marker.points) == 4
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


def test_detections_start_and_finds_again(tracker, scene):
    """The optional `detections` input: automatic start, same id when the target is found again."""
    from vision_msgs.msg import Detection2DArray

    tracker.restart(auto_init=True, auto_init_class="face")
    publisher = tracker.node.create_publisher(Detection2DArray, "detections", 10)
    tracker.meet()
    tracker.until(publisher.get_subscription_count, "a subscriber of detections")

    def detect(index: int):
        stamp = tracker.send(scene.frame(index))
        header = tracker.header()
        right = box_to_detection(scene.box(index), header, "", "face", 0.6)
        wrong = box_to_detection((5, 150, 40, 40), header, "", "helmet", 0.9)
        weak = box_to_detection((9, 99, 40, 40), header, "", "face", 0.3)
        publisher.publish(Detection2DArray(header=header, detections=[weak, wrong, right]))
        return tracker.until(lambda: tracker.detections[stamp]
                             and tracker.detections[stamp][-1].detections, "a start")  # fmt: skip

    (first,) = detect(0)
    assert np.allclose(detection_to_box(first), scene.box(0))
    assert first.results[0].hypothesis.class_id == "face"
    for _ in range(LOST_AFTER):
        _, values = tracker.ask(scene.blank)
        if values["state"] == "LOST":
            break
    (again,) = detect(3)
    assert again.id == first.id
    assert tracker.overlap(tracker.detections[tracker.stamp][-1], scene.box(3)) > 0.5
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


def reset(tracker):
    from std_srvs.srv import Trigger

    response = tracker.call(Trigger, "reset", Trigger.Request())
    assert response.success
    return response


def enable(tracker, value: bool) -> None:
    from std_srvs.srv import SetBool

    assert tracker.call(SetBool, "enable", SetBool.Request(data=value)).success
