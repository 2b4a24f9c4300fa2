"""Detections and targets find each other by class and overlap."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker_ros.evaluation.metrics import iou
from tracker_ros.runtime.association import assign, overlaps

LEFT, RIGHT = (10.0, 10.0, 40.0, 40.0), (100.0, 10.0, 40.0, 40.0)


def moved(box, dx, dy=0.0):
    return (box[0] + dx, box[1] + dy, *box[2:])


def test_each_finds_its_own_whatever_the_order():
    targets = [("cup", LEFT), ("cup", RIGHT)]
    detections = [("cup", moved(RIGHT, 4)), ("cup", moved(LEFT, -3))]
    assert assign(targets, detections) == {0: 1, 1: 0}


def test_the_sum_of_overlaps_counts_not_the_first_or_best_pair():
    near = [("cup", LEFT), ("cup", moved(LEFT, 12))]
    # The best single pair would be the second target with the first detection.
    detections = [("cup", moved(LEFT, 11)), ("cup", moved(LEFT, 27))]
    assert assign(near, detections) == {0: 0, 1: 1}


def test_another_class_is_no_match_and_no_class_is_any():
    assert assign([("cup", LEFT)], [("dog", LEFT)]) == {}
    assert assign([("", LEFT)], [("dog", LEFT)]) == {0: 0}
    # The wrong class lies better, but must not take the right one's place.
    assert assign([("cup", LEFT)], [("dog", LEFT), ("cup", moved(LEFT, 15))]) == {0: 1}


def test_too_little_overlap_is_no_match():
    assert assign([("cup", LEFT)], [("cup", moved(LEFT, 30))]) == {}
    assert assign([("cup", LEFT)], [("cup", moved(LEFT, 30))], min_overlap=0.1) == {0: 0}


@pytest.mark.parametrize("targets, detections", [([], []), ([("", LEFT)], []), ([], [("", LEFT)])])
def test_nothing_to_assign(targets, detections):
    assert assign(targets, detections) == {}


boxes = st.tuples(*[st.floats(0, 100)] * 2, *[st.floats(1, 50)] * 2)


@given(st.lists(boxes, min_size=1, max_size=5), st.lists(boxes, min_size=1, max_size=5))
def test_overlaps_are_those_of_the_evaluation(first, second):
    ours = overlaps(first, second)
    assert ours.shape == (len(first), len(second))
    for i, one in enumerate(first):
        theirs = iou(np.array([one] * len(second)), np.array(second))
        np.testing.assert_allclose(ours[i], theirs, atol=1e-9)


@given(st.lists(boxes, max_size=5), st.lists(boxes, max_size=5))
def test_nobody_is_given_twice(first, second):
    found = assign([("", b) for b in first], [("", b) for b in second])
    assert len(set(found.values())) == len(found)


@pytest.mark.parametrize("listens", (False, True))
def test_what_assigning_needs_is_there_before_the_first_frame_and_only_with_a_detector(listens):
    code = (
        "import sys; from tracker_ros.runtime.detector import Detector;"
        " from tracker_ros.runtime.requests import Policy;"
        f" Detector(None, Policy(auto_init=False, auto_correct={listens}));"
        " print('scipy.optimize' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(listens)
