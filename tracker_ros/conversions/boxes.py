"""vision_msgs/Detection2D to (x, y, w, h), and back."""

import math

from ..core.errors import InputError
from ..core.geometry.boxes import Box
from .make import Make, ros_message

MAX_NAME = 200  # characters of an id or a class, which each frame's status repeats
UPRIGHT = 1e-3  # rad: moves the corner of a box of 1000 pixels by half a pixel


def box_to_detection(
    box: Box,
    header,
    target_id: str = "",
    class_id: str = "",
    score: float = 1.0,
    make: Make = ros_message,
):
    """Box to vision_msgs/Detection2D with one hypothesis."""
    x, y, w, h = (float(value) for value in box)
    detection = make("vision_msgs/msg/Detection2D", header=header, id=target_id)
    detection.bbox.center.position.x = x + w / 2
    detection.bbox.center.position.y = y + h / 2
    detection.bbox.size_x, detection.bbox.size_y = w, h
    hypothesis = make("vision_msgs/msg/ObjectHypothesisWithPose")
    hypothesis.hypothesis.class_id = class_id
    hypothesis.hypothesis.score = float(score)
    detection.results.append(hypothesis)
    return detection


def truth_to_detections(box: Box, header, make: Make = ros_message):
    """The true box as vision_msgs/Detection2DArray; none where it is NaN, the target absent."""
    array = make("vision_msgs/msg/Detection2DArray", header=header)
    if box[2] > 0:
        array.detections.append(box_to_detection(box, header, make=make))
    return array


def detection_to_box(msg) -> Box:
    """vision_msgs/Detection2D to a box. Raises InputError if not finite, without area or rotated.

    A box turned by half a turn is the same box; one turned by less than ``UPRIGHT`` is upright.

    Whether the box lies in its image is for the tracker to check, which sees both.
    """
    center, w, h = msg.bbox.center, msg.bbox.size_x, msg.bbox.size_y
    values = (center.position.x, center.position.y, w, h, center.theta)
    if not all(math.isfinite(value) for value in values):
        raise InputError(
            "box has a value that is not finite: centre ({}, {}), size {} x {}, theta {}".format(
                *values
            )
        )
    if w <= 0 or h <= 0:
        raise InputError(f"box of size {w:g} x {h:g} has no area")
    if abs(math.remainder(center.theta, math.pi)) > UPRIGHT:
        raise InputError(
            f"box is rotated by {center.theta:g} rad, but only upright boxes can be tracked"
        )
    return (center.position.x - w / 2, center.position.y - h / 2, w, h)


def check_name(what: str, name: str) -> None:
    """Raise InputError for an id or a class that is too long to be one."""
    if len(name) > MAX_NAME:
        raise InputError(f"{what} of {len(name)} characters is longer than {MAX_NAME}")


def detections_to_candidates(msg) -> tuple[list[tuple[float, str, Box]], list[str]]:
    """vision_msgs/Detection2DArray to (score, class, box) of every hypothesis, the surest first.

    Also returns one sentence for each kind of detection that cannot be used.
    """
    found, problems = [], []
    nameless = sum(not detection.results for detection in msg.detections)
    if nameless:
        problems.append(
            f"{nameless} of {len(msg.detections)} detections have no hypothesis, that"
            " is, neither class nor score, and are not used"
        )
    for detection in msg.detections:
        hypotheses = [result.hypothesis for result in detection.results]
        if not hypotheses:
            continue
        try:
            box = detection_to_box(detection)
        except InputError as error:
            problems.append(str(error))
            continue
        for hypothesis in hypotheses:
            try:
                check_name("a detection's class", hypothesis.class_id)
            except InputError as error:
                problems.append(str(error))
                continue
            if math.isfinite(hypothesis.score):
                found.append((hypothesis.score, hypothesis.class_id, box))
            else:
                problems.append(
                    f"score {hypothesis.score} of a detection of class"
                    f" {hypothesis.class_id!r} is not finite"
                )
    return sorted(found, key=lambda item: -item[0]), problems
