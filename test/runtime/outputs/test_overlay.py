"""The drawn frame: a copy with box, words and bars; any box and image size will do."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker_ros.core.gate import Gate
from tracker_ros.runtime.outputs import overlay

GATE = Gate((0.1, 0.2, 0.3, 0.4), "cbam")


@pytest.mark.parametrize("state", ["TRACKING", "UNCERTAIN"])
def test_box_is_drawn_where_it_is_in_the_colour_of_the_state(state):
    image = np.zeros((240, 320, 3), np.uint8)
    canvas = overlay.draw(image, state, 0.7, (100.2, 80.4, 60.0, 40.0))
    for x, y in ((100, 100), (160, 100), (130, 80), (130, 120)):
        assert tuple(canvas[y, x]) == overlay.COLOURS[state]
    assert not canvas[90:110, 110:150].any()
    assert not image.any()


def test_bars_are_as_long_as_the_weights():
    image = np.zeros((240, 320, 3), np.uint8)
    with_gate = overlay.draw(image, "LOST", 0.0, gate=GATE).astype(int)
    bars = with_gate[190:, 36:87].sum(axis=2)
    lengths = [(bars[i * 11 + 6] > 200).sum() for i in range(4)]
    assert lengths == sorted(lengths)
    assert lengths[3] > 2 * lengths[0]


@given(st.tuples(*[st.floats(-1e4, 1e4)] * 4), st.integers(2, 300), st.integers(2, 300))
def test_any_box_in_any_image(box, width, height):
    image = np.full((height, width, 3), 9, np.uint8)
    canvas = overlay.draw(image, "TRACKING", 1.0, box, "7", GATE)
    assert canvas.shape == image.shape


@given(st.tuples(*[st.floats(-1e4, 1e4)] * 4), st.integers(2, 300), st.integers(2, 300))
def test_any_boxes_in_any_image(box, width, height):
    image = np.full((height, width, 3), 9, np.uint8)
    canvas = overlay.draw_all(image, [("7", "TRACKING", 0.5, box), ("8", "NO_ANSWER", None, None)])
    assert canvas.shape == image.shape


@pytest.mark.parametrize("x", (-40, 100, 310))
@pytest.mark.parametrize("y", (-40, 0, 100, 230))
def test_names_are_whole_wherever_the_box_is(x, y):
    def ink(*corner):
        canvas = np.zeros((240, 320, 3), np.uint8)
        overlay._name(canvas, "cup 1", (*corner, 50, 50), 1, (0, 255, 0))
        return (canvas[..., 1] > 0).sum()

    assert ink(x, y) == ink(100, 100) > 0
