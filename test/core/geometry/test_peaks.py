import numpy as np
import pytest

from tracker_ros.core.geometry.peaks import near_peak, outvoted, peak


def test_the_networks_score_near_the_peak_is_its_opinion():
    score, response = np.zeros((8, 8)), np.zeros((8, 8))
    response[0, 7], score[1, 6], score[4, 4] = 1, 0.6, 0.9
    assert near_peak(score, response) == pytest.approx(0.6)


@pytest.mark.parametrize("place", [(0, 0), (7, 7), (0, 7)])
def test_a_peak_at_the_rim_is_a_whole_cell(place):
    response = np.zeros((8, 8))
    response[place] = 1
    assert peak(response, *place) == (place[1], place[0])


def hills(*tops):
    """A map of 12 cells: (row, column, value) of each top."""
    rows, columns = np.mgrid[:12, :12]
    each = [v * np.exp(-((rows - r) ** 2 + (columns - c) ** 2) / 2) for r, c, v in tops]
    return np.sum(each, 0).astype(np.float32)


def test_a_score_that_tells_another_place_decides_between_two_peaks():
    response = hills((3, 3, 0.5), (8, 9, 0.4))
    both = outvoted(response, hills((8, 9, 0.6)), 0.5)
    assert divmod(int(both.argmax()), 12) == (8, 9)
    assert both[8, 9] == pytest.approx(0.4 + 0.5 * 0.6, abs=1e-3)
    assert abs(both[3, 3]) < 1e-3, "the other peak is left out"


@pytest.mark.parametrize(
    ("score", "weight"),
    [
        (hills((8, 9, 0.6)), 0.0),  # a score without a weight
        (hills((8, 9, 0.1)), 0.5),  # too weak
        (hills((3, 3, 0.6)), 0.5),  # the same place
        (hills((3, 4, 0.9)), 0.5),  # a cell beside it
    ],
)
def test_a_score_that_tells_no_other_place_changes_nothing(score, weight):
    assert outvoted(hills((3, 3, 0.5), (8, 9, 0.4)), score, weight) is None
