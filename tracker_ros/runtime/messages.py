"""The messages about one frame that the tracker node publishes; without rclpy by another `Make`."""

from ..conversions import Make, bgr_to_image, box_to_detection, ros_message
from ..core.gate import Gate
from . import overlay
from .worker import Answer

DETECTIONS = "vision_msgs/msg/Detection2DArray"
STATUS = "diagnostic_msgs/msg/DiagnosticArray"
MARKER = "visualization_msgs/msg/ImageMarker"
DEBUG_IMAGE = "sensor_msgs/msg/Image"
POLYGON, REMOVE = 3, 1  # of MARKER


def detections(answer: Answer, make: Make = ros_message):
    """DETECTIONS: the target's box, or none."""
    header = answer.frame.message.header
    array = make(DETECTIONS, header=header)
    if answer.box is not None:
        array.detections.append(
            box_to_detection(answer.box, header, answer.target.id, answer.target.class_id,
                             answer.score, make))  # fmt: skip
    return array


def marker(answer: Answer, make: Make = ros_message):
    """MARKER: the box as a polygon in pixels; its removal where there is none."""
    header = answer.frame.message.header
    if answer.box is None:
        return make(MARKER, header=header, ns="target", type=POLYGON, scale=2.0, action=REMOVE)
    x, y, w, h = map(float, answer.box)
    corners = ((x, y), (x + w, y), (x + w, y + h), (x, y + h))
    points = [make("geometry_msgs/msg/Point", x=px, y=py) for px, py in corners]
    b, g, r = (value / 255 for value in overlay.COLOURS.get(answer.state, overlay.OTHER))
    colour = make("std_msgs/msg/ColorRGBA", r=r, g=g, b=b, a=1.0)
    return make(MARKER, header=header, ns="target", type=POLYGON, scale=2.0, points=points,
                outline_color=colour)  # fmt: skip


def debug_image(answer: Answer, gate: Gate | None, make: Make = ros_message):
    """DEBUG_IMAGE: the frame with box, identity, state and the gate's latest decision."""
    shown = gate or (answer.result.gate if answer.result else None)
    canvas = overlay.draw(answer.image, answer.state, answer.score, answer.box,
                          answer.target.id if answer.target else "", shown)  # fmt: skip
    return bgr_to_image(canvas, answer.frame.message.header, make)
