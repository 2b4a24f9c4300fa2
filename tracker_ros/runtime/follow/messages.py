"""The follow node's messages about one frame."""

import re
from dataclasses import dataclass

import numpy as np

from ...conversions.boxes import detection_to_box
from ...conversions.make import ros_message
from ...core.geometry.boxes import Box
from ..outputs.colours import colour_of
from .follower import Estimate

POSE = "geometry_msgs/msg/PoseStamped"
DETECTIONS_3D = "vision_msgs/msg/Detection3DArray"
MARKERS, MARKER = "visualization_msgs/msg/MarkerArray", "visualization_msgs/msg/Marker"
TRANSFORMS = "tf2_msgs/msg/TFMessage"
SPHERE, TEXT = 2, 9  # types of visualization_msgs/Marker
ADD, DELETE = 0, 2  # its actions
UNKNOWN_TURN = np.pi**2 / 3  # rad²: of an angle that may be any


def spoken(name: str) -> str:
    """An id or a frame for a sentence: what nobody would read is cut off."""
    return name[:60]


@dataclass(frozen=True)
class Boxed:
    """A target as the tracker published it; the box is in pixels."""

    id: str
    class_id: str
    score: float
    box: Box


@dataclass(frozen=True)
class Seen(Boxed):
    """A target with its place, and what the tracker said about it."""

    place: Estimate


def boxed(detection) -> Boxed:
    """A vision_msgs/Detection2D as ``Boxed``. Raises InputError for a box that cannot be used."""
    class_id, score = "", 0.0
    if detection.results:
        best = detection.results[0].hypothesis
        class_id, score = best.class_id, best.score
    return Boxed(detection.id, class_id, score, detection_to_box(detection))


def pose(seen: Seen, header):
    """POSE of one target; its orientation is the camera's."""
    return ros_message(POSE, header=header, pose=_pose(seen.place))


def detections_3d(found: list[Seen], header):
    """DETECTIONS_3D: a box around each place, as deep as it is wide."""
    array = ros_message(DETECTIONS_3D, header=header)
    for seen in found:
        width, height = seen.place.size
        one = ros_message("vision_msgs/msg/Detection3D", header=header, id=seen.id)
        one.bbox.center = _pose(seen.place)
        one.bbox.size.x, one.bbox.size.y, one.bbox.size.z = width, height, width
        result = ros_message("vision_msgs/msg/ObjectHypothesisWithPose")
        result.hypothesis.class_id, result.hypothesis.score = seen.class_id, seen.score
        result.pose.pose = _pose(seen.place)
        covariance = UNKNOWN_TURN * np.eye(6)
        covariance[:3, :3] = seen.place.covariance
        result.pose.covariance = covariance.ravel()
        one.results.append(result)
        array.detections.append(one)
    return array


def markers(found: list[Seen], gone: set[str], header):
    """MARKERS: a sphere and a name for each target; the removal of those that are ``gone``."""
    array = ros_message(MARKERS)
    for target_id in sorted(gone):
        about = {"header": header, "ns": target_id, "action": DELETE}
        array.markers += [ros_message(MARKER, id=number, **about) for number in (0, 1)]
    for seen in found:
        red, green, blue = colour_of(seen.id)
        about = {"header": header, "ns": seen.id, "action": ADD}
        about["color"] = ros_message("std_msgs/msg/ColorRGBA", r=red, g=green, b=blue, a=0.8)
        side = float(max(min(seen.place.size), 0.05))
        for number, kind in enumerate((SPHERE, TEXT)):
            marker = ros_message(MARKER, id=number, type=kind, pose=_pose(seen.place), **about)
            marker.scale.x = marker.scale.y = marker.scale.z = side
            if kind == TEXT:
                marker.scale.z = side / 2  # the letters' height
                marker.text = f"{seen.class_id} {seen.id}  {seen.place.position[2]:.2f} m".strip()
                marker.pose.position.y -= side  # above: y points down
            array.markers.append(marker)
    return array


def transforms(found: list[Seen], header):
    """TRANSFORMS: from the camera to a frame ``target_ID`` for each target."""
    array = ros_message(TRANSFORMS)
    for seen in found:
        transform = ros_message(
            "geometry_msgs/msg/TransformStamped", header=header, child_frame_id=frame_of(seen.id)
        )
        x, y, z = map(float, seen.place.position)
        move = transform.transform.translation
        move.x, move.y, move.z = x, y, z
        transform.transform.rotation.w = 1.0
        array.transforms.append(transform)
    return array


def frame_of(target_id: str) -> str:
    """A target's TF frame; characters that such a name may not have become underscores."""
    return "target_" + re.sub(r"\W", "_", target_id, flags=re.ASCII)


def _pose(place: Estimate):
    result = ros_message("geometry_msgs/msg/Pose")
    x, y, z = map(float, place.position)
    result.position.x, result.position.y, result.position.z = x, y, z
    result.orientation.w = 1.0
    return result
