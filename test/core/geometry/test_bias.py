"""What the first frame shows to be wrong about boxes is taken off those of later frames."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from test.core.test_tracker import BOX, CONFIG, RedEngine, frame
from tracker_ros.core.geometry.bias import NO_BIAS, Bias, bias_of
from tracker_ros.core.geometry.decode import Prediction
from tracker_ros.core.tracker import MOST_BIAS, Tracker

SIDES = st.floats(5, 100)
PLACES = st.floats(-50, 50)


def one_cell(x, y, w, h):
    return Prediction(np.float32([[0.9]]), np.float32([x, y, x + w, y + h])[:, None, None])


@given(PLACES, PLACES, SIDES, SIDES, PLACES, PLACES, SIDES, SIDES)
def test_what_is_measured_is_what_is_put_right(x, y, w, h, u, v, s, t):
    seen, truth = one_cell(x, y, w, h), (u, v, s, t)
    left, top, right, bottom = bias_of(seen, truth).off(seen).boxes[:, 0, 0]
    assert (left, top, right - left, bottom - top) == pytest.approx(truth, abs=0.01)


def test_scores_and_an_unbiased_prediction_stay():
    seen = one_cell(1, 2, 3, 4)
    assert NO_BIAS.off(seen) is seen
    assert Bias(0.1, 0.0, 0.0, 0.0).off(seen).score is seen.score


class WideEngine(RedEngine):
    """Takes everything to be ``factor`` times as wide as it is."""

    factor = 1.3

    def locate(self, crop, state, other=None):
        prediction, state = super().locate(crop, state)
        left, top, right, bottom = prediction.boxes
        more = (self.factor - 1) * (right - left) / 2
        return replace(prediction, boxes=np.stack([left - more, top, right + more, bottom])), state


def followed(share, factor=1.3):
    engine = WideEngine(replace(CONFIG, calibration=share))
    engine.factor = factor
    tracker = Tracker(engine)
    tracker.init(frame(), BOX)
    return [tracker.update(frame((60 + step, 40, 20, 20))).box for step in range(1, 6)]


def test_a_network_that_is_wrong_from_the_first_frame_on_is_put_right():
    for step, (x, y, w, h) in enumerate(followed(1.0), 1):
        assert (x, y, w, h) == pytest.approx((60 + step, 40, 20, 20), abs=1.5)
    assert all(w > 24 for _, _, w, _ in followed(0.0))
    assert 21.5 < followed(0.5)[0][2] < 25


def test_a_first_frame_that_says_nonsense_has_its_limits():
    assert followed(1.0, factor=3.0)[0][2] == pytest.approx(60 * np.exp(-MOST_BIAS), rel=0.1)


def test_a_new_target_has_a_bias_of_its_own():
    engine = WideEngine(replace(CONFIG, calibration=1.0))
    tracker = Tracker(engine)
    tracker.init(frame(), BOX)
    engine.factor = 1.0
    tracker.init(frame(), BOX)
    assert tracker.update(frame()).box == pytest.approx(BOX, abs=1.5)
