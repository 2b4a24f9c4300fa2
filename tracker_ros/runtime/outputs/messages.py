"""The messages about one frame that the tracker node publishes, by rclpy or another ``Make``."""

import numpy as np

from ...conversions.boxes import box_to_detection
from ...conversions.images import bgr_to_image
from ...conversions.make import Make, ros_message
from ...core.geometry.boxes import Box
from ..answer import Answer
from . import overlay
from .colours import colour_of

DETECTIONS = "vision_msgs/msg/Detection2DArray"
STATUS = "diagnostic_msgs/msg/DiagnosticArray"
MARKER = "visualization_msgs/msg/ImageMarker"
DEBUG_IMAGE = "sensor_msgs/msg/Image"
LINE_LIST, POLYGON = 2, 3  # types of MARKER
REMOVE = 1  # an action


def detections(answer: Answer, make: Make = ros_message):
    """DETECTIONS: the box of every target that is seen."""
    header = answer.frame.message.header
    array = make(DETECTIONS, header=header)
    for one in answer.targets:
        if one.box is not None:
            told = one.target.id, one.target.class_id, one.score
            array.detections.append(box_to_detection(one.box, header, *told, make))
    return array


def marker(answer: Answer, make: Make = ros_message):
    """MARKER: the boxes in pixels, all in one message; without a box, the marker's removal.

    A viewer shows only the latest message of a topic: with a message for each target it would show
    only the last one. A single target is drawn in the colour of its state; several targets have a
    colour each.
    """
    about = {"header": answer.frame.message.header, "ns": "target", "scale": 2.0}
    seen = [one for one in answer.targets if one.box is not None]
    if not seen:
        return make(MARKER, type=POLYGON, action=REMOVE, **about)

    def colour(red: float, green: float, blue: float):
        return make("std_msgs/msg/ColorRGBA", r=red, g=green, b=blue, a=1.0)

    def points(corners):
        return [make("geometry_msgs/msg/Point", x=px, y=py) for px, py in corners]

    if len(answer.targets) == 1:
        b, g, r = (value / 255 for value in overlay.COLOURS.get(answer.state, overlay.OTHER))
        around, outline = points(_corners(answer.box)), colour(r, g, b)
        return make(MARKER, type=POLYGON, points=around, outline_color=outline, **about)
    lines, colours = [], []
    for one in seen:
        corners = _corners(one.box)
        ends = zip(corners, (*corners[1:], corners[0]), strict=True)
        lines += [point for pair in ends for point in pair]
        colours += [colour(*colour_of(one.target.id))] * 4
    about |= {"outline_color": colours[0], "outline_colors": colours}
    return make(MARKER, type=LINE_LIST, points=points(lines), **about)


def _corners(box: Box) -> tuple[tuple[float, float], ...]:
    x, y, w, h = map(float, box)
    return (x, y), (x + w, y), (x + w, y + h), (x, y + h)


def debug_image(answer: Answer, make: Make = ros_message):
    """DEBUG_IMAGE: the frame with box, identity and state of every target.

    For a single target also the gate's latest decision.
    """
    if answer.others:
        each = [(one.target.id, one.state, one.score, one.box) for one in answer.targets]
        canvas = overlay.draw_all(answer.image, each)
    else:
        canvas = draw_alone(answer)
    return bgr_to_image(canvas, answer.frame.message.header, make)


def draw_alone(answer: Answer) -> np.ndarray:
    """The frame, uint8 [H, W, 3] BGR, with what is known about the first target."""
    name, gate = answer.target.id if answer.target else "", answer.latest_gate
    return overlay.draw(answer.image, answer.state, answer.score, answer.box, name, gate)
