"""What the follow node takes depth and camera_info from, and what it says of the rest."""

import struct
from dataclasses import replace

import cv2
import numpy as np
import pytest

from tracker_ros.datasets.synthetic.clip import HEIGHT, WIDTH
from tracker_ros.runtime.follow.lens import Lens

from ..conftest import NodeProcess, Peer, ending_well
from .scene import CAMERA, FRAME_ID, Scene, meet

CORNER = (20.0, 15.0, 60.0, 50.0)
CAMERA_INFO = "/camera4/depth/camera_info"
WIDE = Lens("plumb_bob", (-0.3, 0.08, 0.001, -0.001, 0.0))
SHIFTED = replace(CAMERA, fx=500.0, cx=300.0)


@pytest.fixture(scope="module")
def follower(ros):
    """A peer of an active follow node."""
    node = NodeProcess("follow_node", "-r", "__ns:=/camera4", "-r",
                       "detections:=tracker_node/detections", "-r", "status:=tracker_node/status",
                       "-p", "depth_qos:=DEFAULT", "-p", "watchdog:=0.1", "-p", "tf:=true",
                       )  # fmt: skip
    with ending_well(Scene(ros, "/camera4"), node) as peer:
        meet(peer)
        yield peer


@pytest.fixture
def restart(follower):
    """Activates the node anew with other parameters than the usual ones, which come back."""
    usual = {"depth_transport": "raw", "rectified": True}
    yield lambda **values: follower.restart(**usual | values)
    follower.restart(**usual)


@pytest.fixture
def publish(follower):
    """Makes publishers that are gone after the test."""
    made = []

    def create(kind, topic: str, profile=10):
        made.append(follower.node.create_publisher(kind, topic, profile))
        return made[-1]

    yield create
    for publisher in made:
        follower.node.destroy_publisher(publisher)


def flat(shape=(HEIGHT, WIDTH)):
    return np.full(shape, 2.0)


def placed(peer: Scene, send) -> np.ndarray:
    """The first place in CORNER, where ``send`` sends the rest of the frame of a stamp."""
    first = peer.stamp

    def found() -> list[int]:
        stamp = peer.next()
        send(stamp)
        peer.send_boxes(stamp, ("kurt", CORNER))
        peer.spin(0.1)
        return [s for s in peer.places if s > first and peer.places[s][0].detections]

    return peer.position(min(peer.until(found, "a place")))


def expected(camera=CAMERA) -> np.ndarray:
    x, y, w, h = CORNER
    return camera.view(x + w / 2, y + h / 2).locate(2.0)


@pytest.mark.parametrize("rectified, camera", [
    (True, SHIFTED), (False, replace(CAMERA, lens=WIDE)),
])  # fmt: skip
def test_camera_info_is_of_rectified_or_raw_images(follower, restart, rectified, camera):
    p = [SHIFTED.fx, 0.0, SHIFTED.cx, 0.0, 0.0, SHIFTED.fy, SHIFTED.cy, 0.0, 0.0, 0.0, 1.0, 0.0]
    restart(rectified=rectified)

    def send(stamp):
        follower.send_info(stamp, p=p, d=WIDE.coefficients, distortion_model=WIDE.model)
        follower.send_depth(flat(), stamp)

    np.testing.assert_allclose(placed(follower, send), expected(camera), atol=1e-3)
    values = {one.key: one.value for one in follower.diagnosis("input", "").values}
    assert values["image_size"] == "unknown: no status"
    lens = "" if rectified else ", plumb_bob"
    assert (
        values["camera_info"]
        == f"640x480, fx {camera.fx}, fy 554.0, cx {camera.cx}, cy 239.5{lens}"
    )


def test_camera_info_may_be_kept_for_those_who_come_later(follower, restart, publish):
    from sensor_msgs.msg import CameraInfo

    from tracker_ros.nodes import qos

    publish(CameraInfo, "depth/camera_info", qos.KEPT).publish(follower.info(0))
    restart()

    def send(stamp):
        follower.send_depth(flat(), stamp)

    np.testing.assert_allclose(placed(follower, send), expected(), atol=1e-3)
    # It was long ago, but is all that is needed.
    said = follower.diagnosis("input", "/camera4/depth/image: no usable message").message
    assert "camera_info" not in said


def test_depth_of_half_the_resolution(follower, restart):
    restart()

    def send(stamp):
        follower.send_info(stamp)
        follower.send_depth(flat((HEIGHT // 2, WIDTH // 2)), stamp)

    np.testing.assert_allclose(placed(follower, send), expected(), atol=1e-3)


def test_compressed_depth(follower, restart, publish):
    from sensor_msgs.msg import CompressedImage

    publisher = publish(CompressedImage, "depth/image/compressedDepth")
    millimetres = np.round(1000 * flat()).astype(np.uint16)
    picture = cv2.imencode(".png", millimetres)[1].tobytes()
    restart(depth_transport="compressedDepth")

    def send(stamp, data=picture):
        follower.send_info(stamp)
        header = follower.header(stamp, FRAME_ID)
        content = struct.pack("<iff", 0, 0.0, 0.0) + data
        publisher.publish(
            CompressedImage(header=header, format="16UC1; compressedDepth png", data=content)
        )

    np.testing.assert_allclose(placed(follower, send), expected(), atol=1e-3)
    send(follower.next(), picture[:-20])
    assert follower.diagnosis("input", "bytes is no whole PNG").level == b"\x02"


@pytest.mark.parametrize("topic, hint", [
    ("depth/image", "set depth_transport to compressedDepth and remap depth/image/compressedDepth"),
    ("depth/image/compressedDepth", "set depth_transport to compressedDepth"),
])  # fmt: skip
def test_depth_of_the_other_transport_is_pointed_out(ros, run_node, topic, hint):
    from sensor_msgs.msg import CompressedImage

    class Listener(Peer):
        asked = "follow_node"

    run_node("follow_node", "-r", "__ns:=/camera5", "-p", "watchdog:=0.1")
    peer = Listener(ros, "/camera5")
    try:
        peer.node.create_publisher(CompressedImage, topic, 10)
        said = peer.diagnosis("input", f"; /camera5/{topic} has compressedDepth images: {hint}")
    finally:
        peer.node.destroy_node()
    name, _, silence = said.message.partition("/camera5/depth/image: ")[2].partition(" for ")
    assert (name, said.level) == ("no usable message", b"\x01")
    offer = (
        "offers sensor_msgs/msg/CompressedImage reliable, volatile, but sensor_msgs/msg/Image is w"
    )
    assert (offer in silence) == (topic == "depth/image")
    assert said.message.startswith("/camera5/detections: no usable message for ")
    assert said.message.count("nobody publishes it") == 2 + (topic != "depth/image")


def test_camera_info_of_another_frame_is_doubted(follower, restart):
    restart()

    def send(stamp, frame_id="left"):
        follower.send_info(stamp, frame_id=frame_id)
        follower.send_depth(flat(), stamp)

    np.testing.assert_allclose(placed(follower, send), expected(), atol=1e-3)
    doubt = f"{CAMERA_INFO} is of frame 'left', but boxes and depth are of '{FRAME_ID}'"
    assert follower.diagnosis("input", doubt).level == b"\x01"

    def over():
        placed(follower, lambda stamp: send(stamp, FRAME_ID))
        return "of frame" not in follower.diagnosis("input", "").message

    follower.until(over, "the end of the doubt")


def test_camera_info_of_another_size_than_the_images(follower, restart):
    """As where the depth was scaled, and comes with a camera_info of its own pixels."""
    double = (2 * WIDTH, 2 * HEIGHT)

    def send(stamp, width=double[0], height=double[1]):
        follower.send_info(stamp)
        follower.send_depth(flat(), stamp)
        follower.send_status(stamp, "TRACKING", f"{width}x{height}", kurt="")

    restart()
    words = f"the images have 1920x1080 pixels, but camera_info or cloud {WIDTH}x{HEIGHT}"
    follower.diagnostics.clear()

    def refused():
        stamp = follower.next()
        send(stamp, 1920, 1080)
        follower.send_boxes(stamp, ("kurt", CORNER))
        follower.spin(0.1)
        return any(words in status.message for status in follower.diagnostics)

    follower.until(refused, "a refusal")
    scaled = replace(CAMERA, fx=2 * CAMERA.fx, fy=2 * CAMERA.fy, cx=WIDTH - 0.5, cy=HEIGHT - 0.5)

    def found():
        return np.allclose(placed(follower, send), expected(scaled), atol=1e-3)

    follower.until(found, "a place in images of twice the size")
