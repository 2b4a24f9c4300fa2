r"""Make vision_msgs of what yolo_ros publishes, for the tracker node's ``detections``.

ros2 launch yolo_bringup yolo.launch.py
python examples/yolo_adapter.py --ros-args -r yolo:=/yolo/detections
ros2 run tracker_ros tracker_node --ros-args -r image:=/camera/image_raw \
    -p auto_init_new:=true -p max_targets:=4
"""

import signal

import rclpy
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from vision_msgs.msg import Detection2D, Detection2DArray, ObjectHypothesisWithPose


def adapt(message) -> Detection2DArray:
    """yolo_msgs/DetectionArray as vision_msgs/Detection2DArray: upright boxes, class by name."""
    array = Detection2DArray(header=message.header)
    for found in message.detections:
        detection = Detection2D(header=message.header, id=found.id)
        detection.bbox.center.position.x = found.bbox.center.position.x
        detection.bbox.center.position.y = found.bbox.center.position.y
        detection.bbox.size_x, detection.bbox.size_y = found.bbox.size.x, found.bbox.size.y
        result = ObjectHypothesisWithPose()
        result.hypothesis.class_id, result.hypothesis.score = found.class_name, found.score
        detection.results.append(result)
        array.detections.append(detection)
    return array


def main() -> None:
    from yolo_msgs.msg import DetectionArray

    signals = []  # rclpy.spin with rclpy's own handlers misses one now and then, and never ends
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: signals.append(number))
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    node = Node("yolo_adapter")
    publisher = node.create_publisher(Detection2DArray, "detections", 10)
    node.create_subscription(
        DetectionArray, "yolo", lambda message: publisher.publish(adapt(message)), 10
    )
    while not signals:
        rclpy.spin_once(node, timeout_sec=0.2)


if __name__ == "__main__":
    main()
