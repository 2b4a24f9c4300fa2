"""Messages that are wrong at random to every input of tracker and follow node, over DDS."""

import array
import itertools
import random
import time
from collections import Counter, defaultdict

import numpy as np
from nodes import PATIENCE, SIZE, Camera, Node, frame
from wrong import Wrong, mutated

# What of the nodes' inputs is counted where in /diagnostics.
COUNTED = {
    "image": ("tracker_node: input", "malformed"),
    "init_target": ("tracker_node: target", "failed_starts"),
    "init_targets": ("tracker_node: target", "failed_starts"),
    "remove_target": ("tracker_node: target", "failed_removals"),
    "detections": ("tracker_node: target", "unusable_detections"),
    "boxes": ("follow_node: target", "problems"),
    "depth": ("follow_node: input", "malformed"),
    "camera_info": ("follow_node: input", "malformed"),
    "points": ("points/follow_node: input", "malformed"),
}
TOPICS = {
    "init_target": "tracker_node/init_target",
    "init_targets": "tracker_node/init_targets",
    "remove_target": "tracker_node/remove_target",
    "detections": "detections",
    "boxes": "boxes",
    "depth": "depth/image",
    "camera_info": "depth/camera_info",
    "points": "points/points",
}
SPACE = "/malformed"
DISTANCE = 2.0  # metres


class Robot(Camera):
    """A camera with depth and a detector, tracker and follow nodes, and what they say of inputs."""

    def __init__(self, model: str):
        from diagnostic_msgs.msg import DiagnosticArray
        from geometry_msgs.msg import PoseStamped
        from sensor_msgs.msg import CameraInfo, Image, PointCloud2
        from vision_msgs.msg import Detection2D, Detection2DArray

        super().__init__(SPACE)
        tracker = Node("tracker_node", SPACE, model=model, max_targets=4, auto_correct=True)
        follow = Node("follow_node", SPACE, remap={"detections": "boxes"})
        points = Node("follow_node", f"{SPACE}/points", depth_source="points")
        self.nodes = (tracker, follow, points)
        types = (Detection2D, Detection2DArray, Detection2D, Detection2DArray,
                 Detection2DArray, Image, CameraInfo, PointCloud2)  # fmt: skip
        self._publishers = {"image": self._images} | {
            name: self.node.create_publisher(kind, topic, 10)
            for (name, topic), kind in zip(TOPICS.items(), types, strict=True)
        }
        self.said: dict[str, dict[str, str]] = defaultdict(dict)
        self.poses = set()
        listen = self.node.create_subscription
        listen(DiagnosticArray, "/diagnostics", self._on_diagnostics, 100)
        listen(PoseStamped, "follow_node/pose", self._on_pose, 10)

    def _on_diagnostics(self, message) -> None:
        for status in message.status:
            name = status.name.removeprefix(f"{SPACE[1:]}/")
            self.said[name] = {item.key: item.value for item in status.values}

    def _on_pose(self, message) -> None:
        from tracker_ros.conversions.stamps import stamp_to_ns

        self.poses.add(stamp_to_ns(message.header.stamp))

    def counted(self, kind: str) -> int:
        check, value = COUNTED[kind]
        return int(self.said[check].get(value, 0))

    def good(self, kind: str, index: int):
        """A message for an input, in order, stamped with the present."""
        from sensor_msgs.msg import CameraInfo, Image, PointCloud2, PointField
        from std_msgs.msg import Header
        from vision_msgs.msg import Detection2DArray

        from tracker_ros.conversions.boxes import box_to_detection
        from tracker_ros.conversions.images import bgr_to_image
        from tracker_ros.conversions.stamps import ns_to_stamp

        header = Header(frame_id="camera", stamp=ns_to_stamp(time.time_ns()))
        (width, height), (image, box) = SIZE, frame(index)
        if kind == "image":
            return bgr_to_image(image, header)
        if kind in ("init_target", "remove_target"):
            return box_to_detection(box, header)
        if kind in ("init_targets", "detections", "boxes"):
            return Detection2DArray(header=header, detections=[box_to_detection(box, header)])
        if kind == "depth":
            data = array.array("B", np.full((height, width), 1000 * DISTANCE, "<u2").tobytes())
            return Image(header=header, width=width, height=height, encoding="16UC1",
                         step=2 * width, data=data)  # fmt: skip
        if kind == "camera_info":
            k = [300.0, 0.0, width / 2, 0.0, 300.0, height / 2, 0.0, 0.0, 1.0]
            return CameraInfo(header=header, width=width, height=height, k=k)
        grid = np.empty((24, 32, 4), np.float32)
        grid[..., 0], grid[..., 1] = np.meshgrid(np.arange(32) - 16, np.arange(24) - 12)
        grid[..., :2] *= DISTANCE / 30
        grid[..., 2] = DISTANCE
        fields = [
            PointField(name=n, offset=4 * i, datatype=7, count=1) for i, n in enumerate("xyz")
        ]
        return PointCloud2(header=header, height=24, width=32, fields=fields, point_step=16,
                           row_step=512, data=array.array("B", grid.tobytes()))  # fmt: skip

    def publish(self, kind: str, message) -> None:
        self._publishers[kind].publish(message)

    def meet(self) -> None:
        """Wait until every input is connected, and the good works."""
        assert self.spin(
            PATIENCE, lambda: all(p.get_subscription_count() for p in self._publishers.values())
        ), "a node does not listen"
        self.check_good(0)
        self.spin(PATIENCE, lambda: all(name in self.said for name, _ in COUNTED.values()))

    def check_good(self, index: int) -> None:
        """What is in order works: the target is tracked and has a place."""
        for _ in range(10):  # wrong stamps may have made a new clock, which three frames undo
            self.start(index)
            messages = {kind: self.good(kind, index) for kind in ("camera_info", "depth", "boxes")}
            for kind, message in messages.items():
                message.header = messages["depth"].header
                self.publish(kind, message)
            if self.spin(2.0, lambda: self.poses):
                self.poses.clear()
                return
        raise AssertionError("messages that are in order have no place any more")

    def end(self) -> None:
        for node in self.nodes:
            node.end()

    def kill(self) -> None:
        for node in self.nodes:
            node.kill()
        self.close()


def malformed(count: int, model: str, seed: int) -> dict:
    """Send messages that are wrong at random; each must be named, and good ones still work."""
    wrong = Wrong(random.Random(seed))
    robot = Robot(model)
    named: Counter[str] = Counter()
    try:
        robot.meet()
        for index, kind in zip(range(count), itertools.cycle(COUNTED), strict=False):
            before = robot.counted(kind)
            robot.publish(kind, wrong.make(kind, robot.good(kind, index)))
            if not robot.spin(PATIENCE, lambda: robot.counted(kind) > before):  # noqa: B023
                raise AssertionError(f"message {index} of seed {seed} to {kind} was not named")
            named[kind] += 1
            if index % 50 == 49:
                robot.check_good(index)
        robot.end()
    finally:
        robot.kill()
    return {"malformed": count, "named": sum(named.values()), "inputs": dict(named)}


def mutations(count: int, model: str, seed: int) -> dict:
    """Send messages with any fields changed at random; the nodes must live, and good ones work."""
    chance = random.Random(seed)
    robot = Robot(model)
    try:
        robot.meet()
        for index in range(count):
            kind = chance.choice(list(COUNTED))
            robot.publish(kind, mutated(robot.good(kind, index), chance))
            robot.spin(0.02, lambda: False)
            if index % 50 == 49:
                robot.check_good(index)
        robot.end()
    finally:
        robot.kill()
    return {"mutated": count, "survived": count}
