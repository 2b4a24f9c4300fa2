from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tracker_ros.core.config import TrackingConfig
from tracker_ros.core.geometry.decode import (
    MOST_CHANGE,
    Prediction,
    cosine_window,
    decode,
)
from tracker_ros.core.geometry.refined import Refined

# Every influence off: the best cell's box comes out as it is.
PLAIN = TrackingConfig(window_influence=0, penalty=0, size_rate=1)


def prediction(cells=5, stride=8, side=16.0, peaks=()):
    """Boxes of ``side`` around every cell's centre; peaks: (row, column, score)."""
    centres = (np.arange(cells, dtype=np.float32) + 0.5) * stride
    x, y = np.meshgrid(centres, centres)
    boxes = np.stack([x - side / 2, y - side / 2, x + side / 2, y + side / 2])
    score = np.zeros((cells, cells), np.float32)
    for row, column, value in peaks:
        score[row, column] = value
    return Prediction(score, boxes)


def test_peak_to_box():
    candidate = decode(prediction(peaks=[(1, 3, 1.0)]), (16, 16), PLAIN)
    assert candidate.score == 1.0
    assert candidate.box == (28 - 8, 12 - 8, 16, 16)


def test_of_two_peaks_the_higher_wins():
    candidate = decode(prediction(peaks=[(0, 0, 0.7), (4, 4, 0.8)]), (16, 16), PLAIN)
    assert candidate.box[:2] == (28, 28) and candidate.score == pytest.approx(0.8)


def test_the_window_prefers_the_middle_and_leaves_the_score_alone():
    peaks = prediction(peaks=[(0, 0, 0.8), (2, 2, 0.7)])
    assert decode(peaks, (16, 16), PLAIN).score == pytest.approx(0.8)
    # Hann over 5 cells: 1 in the middle, 0.25 at the rim, so 0.0625 in a corner.
    # Corner: 0.8 (1-b) + 0.0625 b; middle: 0.7 (1-b) + b. Equal at b = 0.1 / 1.0375.
    for blend, score in [(0.09, 0.8), (0.1, 0.7)]:
        candidate = decode(peaks, (16, 16), replace(PLAIN, window_influence=blend))
        assert candidate.score == pytest.approx(score)


def test_a_window_alone_chooses_the_middle():
    candidate = decode(
        prediction(peaks=[(0, 0, 1.0)]), (16, 16), replace(PLAIN, window_influence=1)
    )
    assert candidate.score == 0 and candidate.box[:2] == (12, 12)


def test_cosine_window():
    window = cosine_window(5, 3)
    assert window.shape == (5, 3) and window.dtype == np.float32
    assert window[2] == pytest.approx([0.5, 1, 0.5]) and window[:, 1].min() == pytest.approx(0.25)
    assert np.array_equal(window, window[::-1, ::-1])


def test_the_penalty_prefers_the_size_of_the_last_frame():
    peaks = prediction(peaks=[(1, 1, 0.8), (3, 3, 0.7)])
    peaks.boxes[:, 1, 1] = (-4, -4, 28, 28)  # twice the size: s = 2, r = 1, penalty e^-k
    assert decode(peaks, (16, 16), PLAIN).score == pytest.approx(0.8)
    # 0.8 e^-k = 0.7 at k = 0.1335
    for strength, score in [(0.13, 0.8), (0.14, 0.7)]:
        candidate = decode(peaks, (16, 16), replace(PLAIN, penalty=strength))
        assert candidate.score == pytest.approx(score)


def test_the_penalty_sees_a_change_of_shape_at_equal_area():
    peaks = prediction(peaks=[(1, 1, 0.8), (3, 3, 0.7)])
    peaks.boxes[:, 1, 1] = (12 - 16, 12 - 4, 12 + 16, 12 + 4)  # 32 x 8
    assert decode(peaks, (16, 16), replace(PLAIN, penalty=0.2)).score == pytest.approx(0.7)
    assert decode(peaks, (32, 8), replace(PLAIN, penalty=0.2)).score == pytest.approx(0.8)


def test_smoothing_moves_the_size_part_of_the_way_and_keeps_the_centre():
    wide = prediction(side=32.0, peaks=[(2, 2, 1.0)])
    x, y, w, h = decode(wide, (16, 24), replace(PLAIN, size_rate=0.25)).box
    assert (w, h) == (16 + 0.25 * 16, 24 + 0.25 * 8)
    assert (x + w / 2, y + h / 2) == (20, 20)


def test_smoothing_trusts_a_weak_cell_less():
    weak = prediction(side=32.0, peaks=[(2, 2, 0.5)])
    assert decode(weak, (16, 16), replace(PLAIN, size_rate=0.8)).box[2] == 16 + 0.8 * 0.75 * 16


def test_no_smoothing_at_rate_0():
    still = prediction(side=32.0, peaks=[(2, 2, 1.0)])
    assert decode(still, (16, 24), replace(PLAIN, size_rate=0)).box[2:] == (16, 24)


@given(
    hnp.arrays(np.float32, (4, 4), elements=st.floats(0, 1, width=32)),
    hnp.arrays(np.float32, (4, 4, 4), elements=st.floats(-2e4, 2e4, width=32)),
    st.tuples(st.floats(1, 4e3), st.floats(1, 4e3)),
)
def test_any_finite_prediction_gives_a_finite_box(score, boxes, size):
    candidate = decode(Prediction(score, boxes), size, TrackingConfig())
    assert np.isfinite(candidate.box).all() and 0 <= candidate.score <= 1
    _, _, w, h = candidate.box
    assert w > 0 and h > 0


def test_what_a_cell_was_chosen_by_and_how_sizes_trust_scores():
    score, boxes = np.full((3, 3), 0.2, np.float32), np.zeros((4, 3, 3), np.float32)
    score[1, 2] = 0.8
    boxes[2], boxes[3] = 40, 10
    config = TrackingConfig(penalty=0.0, window_influence=0.25, size_rate=0.5)
    prediction = Prediction(score, boxes)
    found = decode(prediction, (20, 10), config)
    assert found.score == pytest.approx(0.8)
    assert found.ranked == pytest.approx(0.75 * 0.8 + 0.25 * cosine_window(3, 3)[1, 2])
    assert found.box[2] == pytest.approx(20 + 0.5 * 0.9 * 20)
    trusting = decode(prediction, (20, 10), replace(config, size_trust=1.0))
    assert trusting.box[2] == pytest.approx(20 + 0.5 * 0.8 * 20)


def answers(score, response):
    """Boxes of 16 pixels around every cell's centre, and what a filter says."""
    rows, columns = np.indices(score.shape) * 8.0 + 4
    boxes = np.float32([columns - 8, rows - 8, columns + 8, rows + 8])
    return Prediction(np.float32(score), boxes, np.float32(response))


STILL = replace(PLAIN, size_rate=0.0)


def test_what_is_learned_online_decides_the_place():
    score, response = np.zeros((8, 8)), np.zeros((8, 8))
    score[2, 2], score[5, 6], response[5, 6] = 0.8, 0.7, 0.9
    found = decode(answers(score, response), (16, 16), STILL)
    assert found.box == pytest.approx((6 * 8 - 4, 5 * 8 - 4, 16, 16))
    assert found.score == pytest.approx(0.7)  # of that place


def test_its_peak_is_the_centre_in_parts_of_cells():
    score, response = np.full((8, 8), 0.8), np.zeros((8, 8))
    response[3, 4:7] = 0.5, 1.0, 0.75  # a parabola's top lies at 5 + 1/6
    x, y, w, h = decode(answers(score, response), (16, 16), STILL).box
    assert (w, h) == pytest.approx((16, 16))
    assert x + w / 2 == pytest.approx((5 + 1 / 6 + 0.5) * 8)
    assert y + h / 2 == pytest.approx(3.5 * 8)


@pytest.mark.parametrize(("change", "wanted"), [(0.1, 0.03), (-0.1, -0.03), (1.0, MOST_CHANGE)])
def test_the_measured_scale_counts_by_its_rate_and_never_at_once(change, wanted):
    response = np.zeros((8, 8))
    response[4, 4] = 1
    maps = replace(answers(response, response), change=change)
    *_, w, h = decode(maps, (16, 12), replace(STILL, scale_rate=0.3)).box
    assert (w, h) == pytest.approx((16 * np.exp(wanted), 12 * np.exp(wanted)))


REFINING = replace(STILL, scale_rate=0.0, refine_place=0.5, refine_scale=0.2, refine_shape=0.1)


def refined(box, own=None, present=0.9):
    response = np.zeros((8, 8))
    response[4, 4] = 1  # at (36, 36)
    return replace(answers(response, response), refined=Refined(box, present, own or box))


def test_a_refined_box_corrects_place_scale_and_proportions_in_part():
    # 4 pixels to the right of the peak; 1.2 times as wide, as high as before.
    maps = refined((40 - 9.6, 36 - 8, 19.2, 16))
    found = decode(maps, (16, 16), REFINING)
    x, y, w, h = found.box
    assert (x + w / 2, y + h / 2) == pytest.approx((38, 36))
    assert found.drift == pytest.approx((2 / 16, 0))
    change = np.log(1.2) / 2
    assert (w, h) == pytest.approx((16 * np.exp(0.3 * change), 16 * np.exp(0.1 * change)))


@pytest.mark.parametrize(
    ("seen", "present", "share"), [(1, 1, 0.5), (0.5, 1, 0.25), (0, 1, 0), (0, 0, 0.5)]
)
def test_the_networks_own_box_has_its_share_unless_the_target_is_hidden(seen, present, share):
    """Hidden: little of it is seen, and the comparison is sure that it is there."""
    maps = refined((28, 28, 16, 16), (36, 28, 16, 16), present)
    found = decode(maps, (16, 16), REFINING, seen=seen)  # refine_network is .5
    assert found.box[0] + found.box[2] / 2 == pytest.approx(36 + 0.5 * share * 8)


def test_no_refined_box_changes_more_than_a_little_at_once():
    _, _, w, h = decode(refined((0, 0, 1000, 1)), (16, 16), REFINING).box
    assert np.log(w * h / 256) / 2 == pytest.approx(MOST_CHANGE)
    assert np.log(w / h) / 2 == pytest.approx(MOST_CHANGE)


def test_until_the_next_one_the_centre_stays_off_by_as_much():
    response = np.zeros((8, 8))
    response[4, 4] = 1
    found = decode(answers(response, response), (16, 4), REFINING, (0.25, -0.5))
    x, y, w, h = found.box
    assert found.drift == (0.25, -0.5)
    assert (x + w / 2, y + h / 2) == pytest.approx((36 + 2, 36 - 4))  # sides of sqrt(16 * 4)
