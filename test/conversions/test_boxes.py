"""Detection messages to boxes and back."""

from types import SimpleNamespace

import numpy as np
import pytest

from tracker_ros.conversions.boxes import (
    box_to_detection,
    detection_to_box,
    detections_to_candidates,
)
from tracker_ros.core.errors import InputError


def detection(x=50.0, y=40.0, w=20.0, h=10.0, theta=0.0):
    center = SimpleNamespace(position=SimpleNamespace(x=x, y=y), theta=theta)
    return SimpleNamespace(bbox=SimpleNamespace(center=center, size_x=w, size_y=h))


@pytest.mark.parametrize("theta", [0.0, -0.0, 1e-16, -5e-4, np.pi, -np.pi, 2 * np.pi])
def test_detection_to_box(theta):
    assert detection_to_box(detection(theta=theta)) == (40.0, 35.0, 20.0, 10.0)


@pytest.mark.parametrize(
    "fields, words",
    [
        ({"x": float("nan")}, "not finite"),
        ({"h": float("inf")}, "not finite"),
        ({"theta": float("nan")}, "not finite"),
        ({"w": 0.0}, "no area"),
        ({"h": -3.0}, "no area"),
        ({"theta": 0.5}, "rotated by 0.5 rad"),
        ({"theta": -np.pi / 2}, "rotated by -1.5"),
    ],
)
def test_unusable_detection(fields, words):
    with pytest.raises(InputError, match=words):
        detection_to_box(detection(**fields))


def hypothesis(score: float, class_id: str = "cup"):
    return SimpleNamespace(hypothesis=SimpleNamespace(score=score, class_id=class_id))


def test_detections_to_candidates_are_all_hypotheses_and_the_surest_first():
    bare, first, bad, last = (detection(x=50.0 + i) for i in range(4))
    bare.results = []
    first.results = [hypothesis(0.2), hypothesis(0.7, "mug"), hypothesis(float("nan"), "jar")]
    bad.bbox.size_x, bad.results = 0.0, [hypothesis(0.9)]
    last.results = [hypothesis(0.8, ""), hypothesis(0.8, "x" * 201)]
    message = SimpleNamespace(detections=[bare, first, bad, last])
    found, problems = detections_to_candidates(message)
    assert [(score, name, box[0]) for score, name, box in found] == [
        (0.8, "", 43.0), (0.7, "mug", 41.0), (0.2, "cup", 41.0),
    ]  # fmt: skip
    assert [text.split(",")[0] for text in problems] == [
        "1 of 4 detections have no hypothesis", "score nan of a detection of class 'jar' is not"
        " finite", "box of size 0 x 10 has no area",
        "a detection's class of 201 characters is longer than 200",
    ]  # fmt: skip


def test_a_detection_of_a_box_reads_back():
    """Through a real ROS message."""
    pytest.importorskip("vision_msgs")
    from std_msgs.msg import Header

    header = Header(frame_id="camera")
    made = box_to_detection((1.25, 2.5, 3.0, 4.0), header, "7", "cup", 0.5)
    assert detection_to_box(made) == (1.25, 2.5, 3.0, 4.0)
    hypothesis = made.results[0].hypothesis
    assert (made.id, hypothesis.class_id, hypothesis.score) == ("7", "cup", 0.5)
    assert made.header == header
