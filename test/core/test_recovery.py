import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker_ros.core.recovery import AT_ONCE, COARSEST, MOST_PLACES, elsewhere

BOX = (100.0, 50.0, 40.0, 10.0)  # sqrt(w * h) = 20
FACTOR = 3.0


def centres(box, size):
    boxes = elsewhere(box, size, FACTOR)
    return [(x + w / 2, y + h / 2) for x, y, w, h in boxes], boxes


def test_the_nearest_place_is_the_first():
    found, _ = centres(BOX, (320, 240))
    distances = [math.hypot(x - 120, y - 55) for x, y in found]
    assert distances == sorted(distances)


@pytest.mark.parametrize(
    ("box", "size"),
    [(BOX, (320, 240)), ((5, 5, 12, 12), (640, 480)), ((0, 0, 100, 100), (120, 110))],
)
def test_every_point_of_the_image_comes_into_a_window(box, size):
    found, boxes = centres(box, size)
    reach = FACTOR * math.sqrt(boxes[0][2] * boxes[0][3]) / 2
    for x in range(0, size[0], 7):
        for y in range(0, size[1], 7):
            assert any(abs(x - cx) <= reach and abs(y - cy) <= reach for cx, cy in found)


def test_all_of_an_ordinary_image_is_seen_within_a_second():
    found, _ = centres((300, 200, 40, 40), (640, 480))
    assert len(set(found)) == len(found) <= MOST_PLACES + 8
    assert len(found) / AT_ONCE < 30


@given(st.floats(1, 10), st.integers(2, 16384), st.integers(2, 16384))
def test_places_lie_in_the_image_and_keep_the_proportions(factor, width, height):
    for x, y, w, h in elsewhere(BOX, (width, height), factor)[:: 2 * MOST_PLACES]:
        assert 0 <= x + w / 2 <= width and 0 <= y + h / 2 <= height
        assert w / h == pytest.approx(4) and 40 <= w <= 40 * COARSEST + 1e-6
