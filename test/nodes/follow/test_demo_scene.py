"""Tracker and follow node as processes: the demo's scene with its depth in, places out."""

import numpy as np
import pytest

from tracker_ros.conversions.boxes import box_to_detection, detection_to_box
from tracker_ros.conversions.images import bgr_to_image
from tracker_ros.core.geometry.boxes import overlap
from tracker_ros.datasets.synthetic.clip import FPS, HEIGHT, WIDTH, SyntheticClip

from ..conftest import NodeProcess, Peer, ending_well
from .scene import CAMERA, FRAME_ID, Scene, point

# Metres along the optical axis, at zoom 1 and size 1: the target hovers.
OVERHEAD_AT, TARGET_AT, GROUND_AT = 1.2, 2.5, 4.0
FRAMES = range(178, 275)  # the wall hides the target in the middle of these
BLANK = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)


class DeepClip(SyntheticClip):
    """The demo's clip with depth: the target above the ground, what is overhead before both."""

    def depth(self, index: int) -> np.ndarray:
        """Metres along the optical axis in a frame, float32 [480, 640]."""
        cup, overhead = self.coverage(index)
        zoom = self.at(index / FPS)[4]
        depth = np.full((HEIGHT, WIDTH), GROUND_AT / zoom, np.float32)
        depth[cup >= 0.5] = self.distance(index)
        depth[overhead >= 0.5] = OVERHEAD_AT / zoom
        return depth

    def distance(self, index: int) -> float:
        """The target's depth in a frame: it grows and shrinks by coming and going."""
        size, zoom = self.at(index / FPS)[3:5]
        return float(TARGET_AT / (size * zoom))


@pytest.fixture(scope="module")
def robot(ros):
    """A peer with a tracker node and a follow node, each a process."""
    place = ("-r", "__ns:=/camera3", "-p")
    nodes = [
        NodeProcess("tracker_node", *place, "image_qos:=DEFAULT", "-p", "model:=dastm_nano"),
        NodeProcess("follow_node", *place, "depth_qos:=DEFAULT", "-r",
                   "detections:=tracker_node/detections", "-r", "status:=tracker_node/status"),
    ]  # fmt: skip
    with ending_well(Scene(ros, "/camera3"), *nodes) as peer:
        for publisher in (peer.depths, peer.infos):
            peer.until(publisher.get_subscription_count, f"who hears {publisher.topic_name}")
        Peer.meet(peer, BLANK)

        def met() -> bool:
            """Whether the follow node hears the tracker's boxes and status, not the peer alone."""
            peer.show(BLANK)
            values = {one.key: one.value for one in peer.diagnosis("input", "").values}
            return any(peer.places.values()) and values["image_size"] == f"{WIDTH}x{HEIGHT}"

        peer.until(met, "the follow node's answer")
        yield peer


def on_target(peer: Scene, stamp: int, truth) -> bool:
    """Whether the tracker's box is on the cup; if it took another for it, depth is not to blame."""
    found = peer.detections[stamp][-1].detections
    return bool(found) and overlap(detection_to_box(found[0]), truth) > 0.3


def test_the_demo_scene_from_image_to_place(robot):
    """A cup above the ground goes behind a wall and comes out again."""
    clip, errors, depth_errors, hidden = DeepClip(), [], [], []
    random = np.random.default_rng(0)
    for index in FRAMES:
        stamp = robot.next()
        depth = clip.depth(index) * (1 + 0.01 * random.normal(size=(HEIGHT, WIDTH)))
        depth[random.random(depth.shape) < 0.05] = 0
        header = robot.header(stamp, FRAME_ID)
        robot.send_info(stamp)
        robot.send_depth(depth, stamp)
        robot.images.publish(bgr_to_image(clip.render(index), header))
        if index == FRAMES[0]:
            robot.taken(stamp)
            robot.inits.publish(box_to_detection(clip.truth(index), header, "cup"))
            robot.started(stamp, clip.truth(index))
        robot.answer(stamp)
        places = robot.place(stamp)
        robot.spin(0.01)
        assert places.header == header
        if clip.truth(index) is None:
            hidden.append(stamp)
        elif places.detections and on_target(robot, stamp, clip.truth(index)):
            x, y, w, h = clip.truth(index)
            true = CAMERA.view(x + w / 2, y + h / 2).locate(clip.distance(index))
            error = (point(places.detections[0].bbox.center) - true) / clip.distance(index)
            depth_errors.append(abs(error[2]))
            if clip.visible(index) > 0.75:  # the box is then about the whole of it
                errors.append(np.linalg.norm(error))
    assert len(hidden) > 10
    assert not any(robot.places[stamp][-1].detections for stamp in hidden)
    assert not any(robot.poses[stamp] for stamp in hidden)
    assert len(errors) >= 20
    assert np.percentile(errors, 95) < 0.03
    assert max(depth_errors) < 0.03  # the ground is 60 % farther, the wall is half as far


@pytest.mark.parametrize("ids", [("", ""), ("anna", "anna")])
def test_a_target_that_replaces_another_has_the_pose_at_once(robot, ids):
    """Also under the same id, and where it is twice as far."""
    image, (_, y, w, h) = DeepClip().render(FRAMES[0]), DeepClip().truth(FRAMES[0])
    depth = np.full((HEIGHT, WIDTH), 2.0)
    depth[:, : WIDTH // 2] = 4.0

    def look() -> int:
        stamp = robot.next()
        header = robot.header(stamp, FRAME_ID)
        robot.send_info(stamp)
        robot.send_depth(depth, stamp)
        robot.images.publish(bgr_to_image(image, header))
        robot.place(stamp)
        return stamp

    for left, one, metres in ((400.0, ids[0], 2.0), (100.0, ids[1], 4.0)):
        first = look()
        box = (left, y, w, h)
        robot.inits.publish(box_to_detection(box, robot.header(first, FRAME_ID), one))
        robot.started(first, box)

        def driven(metres=metres):
            poses = robot.poses[look()]
            return poses and abs(poses[0].pose.position.z / metres - 1) < 0.01

        robot.until(driven, f"a pose {metres} m away")
        assert robot.stamp < first + 2_000_000_000  # Nav2's detection_timeout
