import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker_ros.core.errors import InputError
from tracker_ros.evaluation.metrics import center_error, iou, precision, success_auc, success_curve

NAN = float("nan")
BOX = [0, 0, 10, 10]

number = st.floats(-1e4, 1e4, width=32)
size = st.floats(0, 1e4, width=32)
boxes = st.lists(st.tuples(number, number, size, size), min_size=1, max_size=20)


@pytest.mark.filterwarnings("error")
def test_iou_by_hand():
    pairs = (
        (BOX, BOX, 1),
        (BOX, [5, 0, 10, 10], 50 / 150),
        (BOX, [5, 5, 10, 10], 25 / 175),
        (BOX, [2, 2, 5, 5], 25 / 100),
        (BOX, [10, 0, 10, 10], 0),  # they share an edge only
        (BOX, [100, 100, 1, 1], 0),
        (BOX, [0, 0, 0, 10], 0),
        ([0, 0, 0, 0], [0, 0, 0, 0], 0),
        (BOX, [NAN] * 4, 0),
        (BOX, [-1e308, -1e308, 1.7e308, 1.7e308], 0),  # its area is no number
    )
    for a, b, expected in pairs:
        assert iou([a], [b])[0] == pytest.approx(expected), (a, b)


def test_center_error_by_hand():
    assert center_error([[0, 0, 10, 10]], [[3, 4, 10, 10]])[0] == 5
    assert center_error([[0, 0, 10, 10]], [[-5, -5, 20, 20]])[0] == 0


def test_success_by_hand():
    # IoU 1 is above 20 of the 21 thresholds, .5 above the ten from 0 to .45, 0 above none.
    truth = [BOX, BOX, BOX]
    pred = [BOX, [0, 0, 10, 5], [50, 50, 10, 10]]
    curve = success_curve(pred, truth)
    np.testing.assert_allclose(curve[[0, 9, 10, 19, 20]], [2 / 3, 2 / 3, 1 / 3, 1 / 3, 0])
    assert success_auc(pred, truth) == pytest.approx((20 + 10 + 0) / 21 / 3)
    assert success_auc(truth, truth) == pytest.approx(20 / 21)


def test_precision_counts_twenty_pixels_as_hit():
    truth = [BOX] * 4
    pred = [BOX, [12, 16, 10, 10], [12.1, 16, 10, 10], [NAN] * 4]
    assert precision(pred, truth) == 2 / 4


def test_absent_frames_leave_the_score():
    truth = [BOX, [NAN] * 4, BOX]
    pred = [BOX, BOX, [50, 50, 10, 10]]
    assert success_auc(pred, truth) == pytest.approx(20 / 21 / 2)
    assert precision(pred, truth) == 1 / 2


def test_missing_prediction_is_a_miss():
    assert success_auc([BOX, [NAN] * 4], [BOX, BOX]) == pytest.approx(20 / 21 / 2)


@pytest.mark.parametrize(
    "pred, truth, message",
    (
        ([BOX], [BOX, BOX], "shape"),
        ([[1, 2, 3]], [[1, 2, 3]], "shape"),
        ([], [], "shape"),
        ([BOX], [[NAN] * 4], "no frame has a true box"),
    ),
)
def test_what_cannot_be_scored(pred, truth, message):
    for measure in (success_auc, precision):
        with pytest.raises(InputError, match=message):
            measure(pred, truth)


@given(boxes, st.randoms())
def test_iou_is_symmetric_and_bounded(a, random):
    b = random.sample(a, len(a))
    values = iou(a, b)
    assert ((values >= 0) & (values <= 1)).all()
    np.testing.assert_array_equal(values, iou(b, a))


@given(boxes)
def test_success_never_rises_with_the_threshold(pred):
    curve = success_curve(pred, [BOX] * len(pred))
    assert (np.diff(curve) <= 0).all()
