"""A camera with depth beside the tracker's peer, and a listener to what the follow node says."""

import array
from collections import defaultdict

import numpy as np

from tracker_ros.conversions.boxes import box_to_detection
from tracker_ros.conversions.stamps import stamp_to_ns
from tracker_ros.datasets.synthetic.clip import HEIGHT, WIDTH
from tracker_ros.runtime.follow.camera import Camera

from ..conftest import Peer

FOCAL = 554.0  # pixels: a view 60 degrees wide
CAMERA = Camera(FOCAL, FOCAL, (WIDTH - 1) / 2, (HEIGHT - 1) / 2, WIDTH, HEIGHT)
FRAME_ID = "left/optical frame"
BOX = (120.0, 60.0, 60.0, 60.0)  # of a target


class Scene(Peer):
    """A camera with depth, and a listener to what the follow node says."""

    asked = "follow_node"

    def __init__(self, context, namespace: str):
        from diagnostic_msgs.msg import DiagnosticArray
        from geometry_msgs.msg import PoseStamped
        from sensor_msgs.msg import CameraInfo, Image, PointCloud2
        from tf2_msgs.msg import TFMessage
        from vision_msgs.msg import Detection2DArray, Detection3DArray
        from visualization_msgs.msg import MarkerArray

        from tracker_ros.nodes import qos

        super().__init__(context, namespace)
        create = self.node.create_publisher
        self.boxes = create(Detection2DArray, "tracker_node/detections", qos.RELIABLE)
        self.states = create(DiagnosticArray, "tracker_node/status", qos.RELIABLE)
        self.depths = create(Image, "depth/image", qos.RELIABLE)
        self.infos = create(CameraInfo, "depth/camera_info", qos.RELIABLE)
        self.clouds = create(PointCloud2, "points", qos.RELIABLE)
        self.poses, self.places = defaultdict(list), defaultdict(list)  # by stamp
        self.frames, self.shown = [], []

        def subscribe(kind, topic, callback):
            self.node.create_subscription(kind, topic, callback, qos.RELIABLE)

        def keep(by_stamp):
            return lambda m: by_stamp[stamp_to_ns(m.header.stamp)].append(m)

        subscribe(PoseStamped, "follow_node/pose", keep(self.poses))
        subscribe(Detection3DArray, "follow_node/detections_3d", keep(self.places))
        subscribe(MarkerArray, "follow_node/markers", self.shown.append)
        subscribe(TFMessage, "/tf", lambda m: self.frames.extend(m.transforms))

    def send_depth(self, depth, stamp: int, frame_id: str = FRAME_ID, **fields) -> None:
        """Metres as 16UC1, with fields changed to ``fields``."""
        from sensor_msgs.msg import Image

        data = array.array("B", np.round(depth * 1000).astype("<u2").tobytes())
        height, width = depth.shape
        message = Image(header=self.header(stamp, frame_id), width=width, height=height, data=data,
                        step=2 * width, encoding="16UC1")  # fmt: skip
        for name, value in fields.items():
            setattr(message, name, value)
        self.depths.publish(message)

    def send_info(self, stamp: int, camera: Camera = CAMERA, **fields) -> None:
        self.infos.publish(self.info(stamp, camera, **fields))

    def info(self, stamp: int, camera: Camera = CAMERA, frame_id: str = FRAME_ID, **fields):
        """The camera_info of ``camera``, with fields changed to ``fields``."""
        from sensor_msgs.msg import CameraInfo

        k = [camera.fx, 0.0, camera.cx, 0.0, camera.fy, camera.cy, 0.0, 0.0, 1.0]
        values = {"k": k, "width": camera.width, "height": camera.height} | fields
        return CameraInfo(header=self.header(stamp, frame_id), **values)

    def send_boxes(self, stamp: int, *boxes, frame_id: str = FRAME_ID) -> None:
        """(id, box) of targets, as the tracker would publish them."""
        from vision_msgs.msg import Detection2DArray

        header = self.header(stamp, frame_id)
        found = [box_to_detection(box, header, one, "cup", 0.75) for one, box in boxes]
        self.boxes.publish(Detection2DArray(header=header, detections=found))

    def send_status(self, stamp: int, state: str, size: str = "", **starts: str) -> None:
        """What the tracker would say of a frame: its targets' ids, and what tells their starts."""
        from tracker_ros.runtime.outputs.health import Check
        from tracker_ros.runtime.outputs.status import to_array

        checks = [Check("frame", 0, "", {"state": state, "image_size": size})]
        checks += [
            Check(f"target {one}", 0, "", {"target_id": one, "started": started})
            for one, started in starts.items()
        ]
        self.states.publish(to_array(checks, self.header(stamp), "tracker_node", ""))

    def place(self, stamp: int):
        """The follow node's answer to the boxes of this stamp."""
        return self.until(lambda: self.places[stamp], f"places of the frame of {stamp}")[-1]

    def position(self, stamp: int):
        """Of the only target in the answer to the boxes of this stamp."""
        (one,) = self.place(stamp).detections
        return point(one.results[0].pose.pose)

    def next(self) -> int:
        self.stamp += 33_000_000
        return self.stamp


def meet(peer: Scene) -> None:
    """Wait until both sides hear each other; the node broadcasts /tf."""
    for publisher in (peer.boxes, peer.states, peer.depths, peer.infos):
        peer.until(publisher.get_subscription_count, f"a subscriber of {publisher.topic_name}")
    first = peer.stamp

    def answered():
        stamp = peer.next()
        peer.send_info(stamp)
        peer.send_depth(np.full((HEIGHT, WIDTH), 2.0), stamp)
        peer.send_boxes(stamp, ("hello", (120.0, 60.0, 60.0, 60.0)))
        peer.spin(0.5)
        heard = [s for s in peer.poses if s > first and peer.places[s]]
        return heard and peer.frames and peer.shown

    peer.until(answered, "a first place")


def point(pose):
    return np.array([pose.position.x, pose.position.y, pose.position.z])


def markers(peer: Scene, header) -> list:
    """Those with this header."""
    return [m for array in peer.shown for m in array.markers if m.header == header]


def flat(metres: float = 2.0) -> np.ndarray:
    """Depth that is the same everywhere, metres."""
    return np.full((HEIGHT, WIDTH), metres)
