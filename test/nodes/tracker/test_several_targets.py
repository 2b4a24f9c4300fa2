"""A tracker node with several targets over DDS: topics, status, markers, what must be refused."""

import numpy as np
import pytest

from tracker_ros.conversions.boxes import box_to_detection, detection_to_box
from tracker_ros.conversions.stamps import stamp_to_ns
from tracker_ros.core.geometry.boxes import overlap

from ..conftest import NodeProcess, Peer, ending_well


class Operator(Peer):
    """A peer that names several targets."""

    def __init__(self, context, namespace: str):
        from diagnostic_msgs.msg import DiagnosticArray
        from vision_msgs.msg import Detection2D, Detection2DArray

        from tracker_ros.nodes import qos

        super().__init__(context, namespace)
        create = self.node.create_publisher
        self.starts = create(Detection2DArray, "tracker_node/init_targets", qos.RELIABLE)
        self.removals = create(Detection2D, "tracker_node/remove_target", qos.RELIABLE)
        self.found = create(Detection2DArray, "detections", qos.RELIABLE)
        self.checks = {}  # the last status of each stamp
        self.node.create_subscription(
            DiagnosticArray, "tracker_node/status",
            lambda m: self.checks.update({stamp_to_ns(m.header.stamp): m}), qos.RELIABLE,
        )  # fmt: skip

    def name(self, *targets, stamp=None, array_stamp=None) -> None:
        """Start (id, box) targets on the frame of the last image."""
        from vision_msgs.msg import Detection2DArray

        header = self.header(stamp)
        entries = [box_to_detection(box, header, one, f"class of {one}") for one, box in targets]
        self.starts.publish(Detection2DArray(header=self.header(array_stamp), detections=entries))

    def remove(self, target_id: str) -> None:
        from vision_msgs.msg import Detection2D

        self.removals.publish(Detection2D(id=target_id))

    def ids(self, stamp: int) -> list[str]:
        """Of the last answer to the frame of this stamp."""
        return [one.id for one in self.detections[stamp][-1].detections]

    def named(self, party, index: int, **whose: int) -> int:
        """Start targets on a party's pictures and wait for the answer; the frame's stamp."""
        stamp = self.send(party.frame(index))
        self.answer(stamp)
        self.name(*((one, party.box(who, index)) for one, who in whose.items()))
        self.until(lambda: set(whose) <= set(self.ids(stamp)), "the targets")
        return stamp


@pytest.fixture(scope="module")
def operator(ros):
    node = NodeProcess("tracker_node", "-r", "__ns:=/camera4", "-p", "image_qos:=DEFAULT", "-p",
                       "model:=dastm_nano", "-p", "max_targets:=3")  # fmt: skip
    with ending_well(Operator(ros, "/camera4"), node) as peer:
        for publisher in (peer.starts, peer.removals):
            peer.until(publisher.get_subscription_count, f"who hears {publisher.topic_name}")
        peer.meet()
        yield peer


@pytest.fixture
def nobody(operator):
    """The operator, while nothing is tracked."""
    from std_srvs.srv import Trigger

    assert operator.call(Trigger, "reset", Trigger.Request()).success
    return operator


def test_each_has_its_entry_with_the_image_s_header_its_id_class_and_score(nobody, party):
    nobody.named(party, 0, anna=0, bert=1)
    for index in range(1, 4):
        stamp = nobody.stamp + 33_000_001
        header = nobody.header(stamp, "left eye")
        found, _ = nobody.ask(party.frame(index), stamp=stamp, header=header)
        assert found.header == header
        assert [one.id for one in found.detections] == ["anna", "bert"]
        for who, one in enumerate(found.detections):
            assert one.header == header
            assert overlap(detection_to_box(one), party.box(who, index)) > 0.5
            assert one.results[0].hypothesis.class_id == f"class of {one.id}"
            assert 0 < one.results[0].hypothesis.score <= 1


def test_status_has_one_for_the_frame_and_one_for_each_target(nobody, party):
    nobody.named(party, 0, anna=0, bert=1)
    stamp = nobody.send(party.frame(1))
    nobody.answer(stamp)
    message = nobody.until(lambda: nobody.checks.get(stamp), "a status")
    names = [status.name.rpartition(": ")[2] for status in message.status]
    assert names == ["frame", "target anna", "target bert"]
    frame, *targets = ({v.key: v.value for v in status.values} for status in message.status)
    assert (frame["targets"], frame["target_id"]) == ("2", "anna")
    assert float(frame["inference_ms"]) > 0
    detections = nobody.detections[stamp][-1].detections
    for values, status, one in zip(targets, message.status[1:], detections, strict=True):
        assert values["target_id"] == one.id
        assert values["state"] == status.message == "TRACKING"
        assert float(values["score"]) == pytest.approx(one.results[0].hypothesis.score, abs=1e-4)
        assert int(values["memory_size"]) >= 1 and values["lost_frames"] == "0"
        assert values["gate_branch"] in ("skip", "se", "ca", "cbam")


def test_removed_reset_and_replaced(nobody, party):
    nobody.named(party, 0, anna=0, bert=1, carl=2)
    nobody.remove("bert")
    nobody.until(
        lambda: [one.id for one in nobody.ask(party.frame(1))[0].detections] == ["anna", "carl"],
        "bert's end",
    )
    stamp = nobody.stamp
    nobody.init(party.box(1, 1), stamp, "dora")
    nobody.until(lambda: nobody.ids(stamp) == ["dora"], "dora instead of all")


def test_boxes_of_a_past_frame_are_caught_up_beside_the_others(nobody, party):
    nobody.named(party, 0, anna=0)
    stamps = []
    for index in range(1, 7):
        stamps.append(nobody.send(party.frame(index)))
        nobody.answer(stamps[-1])
    # The entries' own stamps are empty: the array's counts. There is always time for two frames.
    nobody.name(("bert", party.box(1, 4)), stamp=0, array_stamp=stamps[3])
    nobody.until(lambda: nobody.ids(stamps[-1]) == ["anna", "bert"], "bert in the newest frame")
    assert [nobody.ids(stamp) for stamp in stamps] == [["anna"]] * 3 + [["anna", "bert"]] * 3
    box = detection_to_box(nobody.detections[stamps[-1]][-1].detections[1])
    assert overlap(box, party.box(1, 6)) > 0.5


LONG = 201 * "x"
NAN_BOX, OUTSIDE = (float("nan"), 0.0, 9.0, 9.0), (900.0, 0.0, 20.0, 20.0)


@pytest.mark.parametrize("targets, words", [
    ([], "init_targets: init_targets holds no box to start on"),
    ([("x", 1), ("x", 2)], "holds the id 'x' twice; none was started"),
    ([("x", NAN_BOX), ("y", 1)], "box 1 of init_targets: box has a value that is not finite"),
    ([(LONG, 1), ("y", 1)], "a target's id of 201 characters is longer than 200"),
    ([("a\n\x1b[2J", OUTSIDE), ("y", 1)], r"target a\n\x1b[2J: box (900, 0, 20, 20) lies outside"),
    ([("x", OUTSIDE), ("y", 1)], "target x: box (900, 0, 20, 20) lies outside"),
    ([("x", 1), ("y", 2), ("z", 1)], "target z: the box was not started on: 3 targets are tracked"),
])  # fmt: skip
def test_bad_starts_get_a_sentence_and_the_next_good_ones_work(nobody, party, targets, words):
    nobody.named(party, 0, anna=0)
    boxes = [party.box(b, 0) if isinstance(b, int) else b for _, b in targets]
    nobody.name(*((one, box) for (one, _), box in zip(targets, boxes, strict=True)))
    status = nobody.diagnosis("target", words)
    assert status.level == b"\x02"
    good = {one for one, box in targets if isinstance(box, int)} - {"z", LONG}
    expected = {"anna"} | (set() if "twice" in words else good)
    found, _ = nobody.ask(party.frame(1))
    assert {one.id for one in found.detections} == expected
    nobody.named(party, 2, anna=0)
    nobody.diagnosis("target", "active")


def test_an_unknown_id_to_remove_gets_a_sentence(nobody, party):
    nobody.named(party, 0, anna=0)
    nobody.remove("ghost")
    nobody.diagnosis("target", "/camera4/tracker_node/remove_target: no target 'ghost' to remove")
    nobody.remove(100_000 * "o")
    assert len(nobody.diagnosis("target", "no target 'ooo").message) < 2000
    assert [one.id for one in nobody.ask(party.frame(1))[0].detections] == ["anna"]


def test_markers_and_debug_image_show_all(nobody, party):
    from rclpy.qos import qos_profile_sensor_data
    from sensor_msgs.msg import Image
    from visualization_msgs.msg import ImageMarker

    found = {}
    subscriptions = [
        nobody.node.create_subscription(kind, f"tracker_node/{name}",
                                        lambda m, kind=kind: found.update({kind: m}),
                                        qos_profile_sensor_data)
        for kind, name in ((Image, "debug_image"), (ImageMarker, "markers"))
    ]  # fmt: skip
    nobody.named(party, 0, anna=0, bert=1)

    def both():
        nobody.ask(party.frame(0))
        return len(found) == 2 and len(found[ImageMarker].points) == 16

    nobody.until(both, "markers of two targets and a debug image")
    marker, image = found[ImageMarker], found[Image]
    assert marker.type == ImageMarker.LINE_LIST
    colours = {(c.r, c.g, c.b) for c in marker.outline_colors}
    assert (len(marker.outline_colors), len(colours)) == (8, 2)
    pixels = np.frombuffer(image.data, np.uint8).reshape(image.height, image.width, 3)
    for who, colour in enumerate(list(dict.fromkeys((c.b, c.g, c.r)
                                                    for c in marker.outline_colors))):  # fmt: skip
        x, y, w, _ = map(round, party.box(who, 0))
        edge = pixels[y - 3 : y + 4, x + 10 : x + w - 10].astype(int)
        assert np.abs(edge - 255 * np.array(colour)).max(axis=2).min() < 12
    for subscription in subscriptions:
        nobody.node.destroy_subscription(subscription)


def test_a_detector_starts_all_that_it_sees(nobody, party):
    from vision_msgs.msg import Detection2DArray

    nobody.restart(auto_init_new=True)
    nobody.meet()
    nobody.until(nobody.found.get_subscription_count, "who hears the detector")
    stamp = nobody.send(party.frame(0))
    nobody.answer(stamp)
    header = nobody.header(stamp)
    boxes = [box_to_detection(party.box(who, 0), header, "", "thing", 0.9) for who in (2, 0, 1)]
    nobody.found.publish(Detection2DArray(header=header, detections=boxes))
    nobody.until(lambda: len(nobody.ids(stamp)) == 3, "three targets")
    found, _ = nobody.ask(party.frame(1))
    best = [max(range(3), key=lambda who: overlap(detection_to_box(one), party.box(who, 1)))
            for one in found.detections]  # fmt: skip
    assert sorted(best) == [0, 1, 2]
    assert len({one.id for one in found.detections}) == 3
    nobody.restart(auto_init_new=False)
    nobody.meet()
