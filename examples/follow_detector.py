"""Track what a detector finds: a node between a detector and the tracker node.

ros2 run tracker_ros tracker_node --ros-args -r image:=/camera/image_raw
python examples/follow_detector.py --ros-args -r detections:=/yolo/detections -p class_id:=person

The tracker node's parameter ``auto_init`` does the same; this is how to choose by your own rules.
"""

import signal

import rclpy
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from vision_msgs.msg import Detection2D, Detection2DArray


class FollowDetector(Node):
    """Hands the best detection of a class to the tracker for as long as that sees no target.

    What was lost is replaced, under a new id.
    """

    def __init__(self):
        super().__init__("follow_detector")
        self.declare_parameter("class_id", "")
        self.declare_parameter("score", 0.5)
        self._tracking = False
        self._start = self.create_publisher(Detection2D, "tracker_node/init_target", 10)
        self.create_subscription(Detection2DArray, "detections", self._on_detections, 10)
        self.create_subscription(Detection2DArray, "tracker_node/detections", self._on_target, 10)

    def _on_detections(self, message: Detection2DArray) -> None:
        if self._tracking or not message.detections:
            return
        best = max(message.detections, key=self._score)
        if self._score(best) >= self.get_parameter("score").value:
            best.header = message.header  # the tracker starts in the image with this stamp
            self._start.publish(best)

    def _on_target(self, message: Detection2DArray) -> None:
        self._tracking = bool(message.detections)
        for target in message.detections:
            place, size = target.bbox.center.position, (target.bbox.size_x, target.bbox.size_y)
            self.get_logger().info(f"{target.id} is at {place.x:.0f}, {place.y:.0f}, {size} large")

    def _score(self, detection: Detection2D) -> float:
        wanted = self.get_parameter("class_id").value
        found = (result.hypothesis for result in detection.results)
        return max((h.score for h in found if not wanted or h.class_id == wanted), default=0.0)


def main() -> None:
    signals = []  # rclpy.spin with rclpy's own handlers misses one now and then, and never ends
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: signals.append(number))
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    node = FollowDetector()
    while not signals:
        rclpy.spin_once(node, timeout_sec=0.2)


if __name__ == "__main__":
    main()
