import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tracker_ros.core.errors import InputError, TrackerError
from tracker_ros.core.geometry.boxes import (
    MIN_SIDE,
    at_rim,
    check_box,
    check_image,
    clip_box,
    parse_box,
)

IMAGE = np.zeros((60, 80, 3), np.uint8)
NUMBERS = st.floats(allow_nan=True, allow_infinity=True) | st.integers() | st.booleans()
THINGS = st.recursive(
    st.none() | NUMBERS | st.text(max_size=6) | st.binary(max_size=6) | st.complex_numbers(),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=10,
)


def one_sentence(error: pytest.ExceptionInfo) -> str:
    message = str(error.value)
    assert message and "\n" not in message and len(message) < 300
    return message


def test_a_good_box_is_returned_as_floats():
    assert check_box(np.array([10, 20, 30, 15]), IMAGE) == (10.0, 20.0, 30.0, 15.0)
    assert check_box(["1.5", 2, 3.25, 4], IMAGE) == (1.5, 2.0, 3.25, 4.0)


def test_a_box_over_the_rim_is_clipped():
    assert check_box((-5, 50, 20, 40), IMAGE) == (0.0, 50.0, 15.0, 10.0)
    assert check_box((-10, -10, 1e6, 1e6), IMAGE) == (0.0, 0.0, 80.0, 60.0)


@pytest.mark.parametrize(
    ("box", "sentence"),
    [
        ((math.nan, 0, 10, 10), "not finite"),
        ((0, 0, math.inf, 10), "not finite"),
        ((0, 0, 1.9, 10), "smaller than 2 pixels"),
        ((0, 0, 10, 0), "smaller than 2 pixels"),
        ((0, 0, -10, 10), "smaller than 2 pixels"),
        ((80, 0, 10, 10), "outside the 80x60 image"),
        ((79, 0, 10, 10), "outside the 80x60 image"),
        ((0, -30, 10, 31), "outside the 80x60 image"),
        ((1e308, 0, 1e308, 10), "outside the 80x60 image"),
        ((1, 2, 3), "not four numbers"),
        ((1, 2, 3, 4, 5), "not four numbers"),
        (None, "not four numbers"),
        ("1234", "not four numbers"),
        (b"0099", "not four numbers"),
        ((10**400, 1, 5, 5), "not four numbers"),
        (("1_0", 1, 5, 5), "not four numbers"),
        (np.zeros((4, 300)), "not four numbers"),
        (range(10**9), "not four numbers"),
    ],
)
def test_a_bad_box_is_one_sentence(box, sentence):
    with pytest.raises(InputError) as error:
        check_box(box, IMAGE)
    assert sentence in one_sentence(error)


@given(st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS) | THINGS)
@example("0099")
def test_any_box_is_usable_or_an_input_error(box):
    try:
        x, y, w, h = check_box(box, IMAGE)
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert x >= 0 and y >= 0 and w >= MIN_SIDE and h >= MIN_SIDE
        assert x + w <= 80 + 1e-9 and y + h <= 60 + 1e-9


@pytest.mark.parametrize(
    ("image", "sentence"),
    [
        (None, "NoneType, not a NumPy array"),
        ([[0, 0, 0]], "list, not a NumPy array"),
        (np.zeros((60, 80, 3), np.float32), "float32 of shape (60, 80, 3), not uint8"),
        (np.zeros((60, 80), np.uint8), "not uint8 (height, width, 3)"),
        (np.zeros((60, 80, 4), np.uint8), "not uint8 (height, width, 3)"),
        (np.zeros((1, 60, 80, 3), np.uint8), "not uint8 (height, width, 3)"),
        (np.zeros((0, 80, 3), np.uint8), "80x0 pixels, outside 2 to 16384"),
        (np.zeros((1, 80, 3), np.uint8), "80x1 pixels"),
        (np.broadcast_to(np.uint8(0), (2, 16385, 3)), "16385x2 pixels"),
    ],
)
def test_a_bad_image_is_one_sentence(image, sentence):
    with pytest.raises(InputError) as error:
        check_image(image)
    assert sentence in one_sentence(error)


def test_a_good_image_is_returned_itself():
    assert check_image(IMAGE) is IMAGE
    assert issubclass(InputError, TrackerError)


@given(*[st.floats(-1e6, 1e6)] * 2, *[st.floats(-1e3, 1e6)] * 2)
def test_a_clipped_box_keeps_its_centre_in_the_image(x, y, w, h):
    left, top, width, height = clip_box((x, y, w, h), IMAGE)
    assert 4 <= width <= 80 and 4 <= height <= 60
    assert -1e-6 <= left + width / 2 <= 80 + 1e-6 and -1e-6 <= top + height / 2 <= 60 + 1e-6


def test_clipping_leaves_a_good_box_alone():
    assert clip_box((10.25, -3, 20, 30), IMAGE) == (10.25, -3, 20, 30)
    assert clip_box((0, 0, 1, 1), IMAGE) == (-1.5, -1.5, 4, 4)


@pytest.mark.parametrize(
    "text", ("1,2,3", "1,2,3,0", "1,2,nan,4", "a,b,c,d", "1_0,2,3,4", "1,2,3,4,5", "")
)
def test_text_that_is_no_box_is_named(text):
    with pytest.raises(InputError, match=f"'{text}' is not x,y,w,h in pixels, w and h above 0"):
        parse_box(text)


@pytest.mark.parametrize(
    ("box", "there"),
    [
        ((3, 3, 20, 20), False),
        ((2, 30, 20, 20), True),
        ((30, 1, 20, 20), True),
        ((59, 30, 20, 20), True),
        ((30, 29, 20, 10), True),
        ((-5, 10, 20, 20), True),
    ],
)
def test_a_box_at_the_rim(box, there):
    assert at_rim(box, np.zeros((40, 80, 3), np.uint8), 0.1) is there
