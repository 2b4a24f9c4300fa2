"""Boxes and depth of one moment: exact stamps first, then the nearest within slop."""

import pytest

from tracker_ros.runtime.follow.pairing import MAX_BYTES, PATIENCE, Pairing

SLOP = 20


@pytest.fixture
def pairing():
    return Pairing(SLOP)


def test_same_stamps_whichever_comes_first(pairing):
    pairing.add_depth(100, "d100", 1)
    pairing.add_boxes(100, "b100", 0.0)
    assert pairing.ready(0.0) == [("b100", "d100")]
    pairing.add_boxes(200, "b200", 1.0)
    assert pairing.ready(1.0) == []
    pairing.add_depth(200, "d200", 1)
    assert pairing.ready(1.0) == [("b200", "d200")]
    assert pairing.ready(9.0) == []


def test_exact_comes_before_near(pairing):
    pairing.add_depth(95, "d95", 1)
    pairing.add_boxes(100, "b100", 0.0)
    assert pairing.ready(0.0) == []  # an exact one may still come
    pairing.add_depth(100, "d100", 1)
    assert pairing.ready(0.0) == [("b100", "d100")]


def test_the_nearest_within_slop_once_a_later_one_is_there(pairing):
    pairing.add_depth(85, "d85", 1)
    pairing.add_boxes(100, "b100", 0.0)
    pairing.add_depth(110, "d110", 1)
    assert pairing.ready(0.0) == [("b100", "d110")]


def test_the_nearest_within_slop_once_patience_is_over(pairing):
    pairing.add_depth(85, "d85", 1)
    pairing.add_boxes(100, "b100", 0.0)
    assert pairing.ready(PATIENCE / 2) == []
    assert pairing.ready(PATIENCE) == [("b100", "d85")]


def test_none_where_no_depth_is_near(pairing):
    assert pairing.describe(100) == "no depth has come yet"
    pairing.add_depth(50, "d50", 1)
    pairing.add_boxes(100, "b100", 0.0)
    assert pairing.describe(100) == "the nearest is 0.000000050 s earlier"
    pairing.add_depth(140, "d140", 1)
    assert pairing.ready(0.0) == [("b100", None)]
    assert pairing.describe(100) == "the nearest is 0.000000040 s later"


def test_boxes_keep_their_order(pairing):
    for stamp in (100, 200, 300):
        pairing.add_boxes(stamp, f"b{stamp}", 0.0)
    pairing.add_depth(200, "d200", 1)
    assert pairing.ready(0.0) == [("b100", None), ("b200", "d200")]


def test_depth_from_before_a_jump_back_in_time_is_forgotten(pairing):
    pairing.add_depth(1000, "old", 1)
    pairing.add_depth(100, "new", 1)
    pairing.add_boxes(1000, "b", 0.0)
    assert pairing.ready(PATIENCE) == [("b", None)]


def test_boxes_that_go_back_in_time_replace_those_after_them(pairing):
    for stamp in (100, 200, 300, 200):
        pairing.add_boxes(stamp, f"b{stamp}", 0.0)
    assert pairing.ready(PATIENCE) == [("b100", None), ("b200", None), ("b200", None)]


def test_reach_goes_back_with_the_depth(pairing):
    assert pairing.reach() == 0
    for stamp in (100, 200, 50):
        pairing.add_depth(stamp, "d", 1)
        assert pairing.reach() == stamp + SLOP


def test_of_depths_with_one_stamp_the_newest(pairing):
    for depth in ("old", "new"):
        pairing.add_depth(0, depth, 1)
    pairing.add_boxes(0, "b", 0.0)
    assert pairing.ready(0.0) == [("b", "new")]


def test_one_wrong_stamp_of_depth_does_not_take_the_boxes_that_wait(pairing):
    pairing.add_depth(1000, "d1000", 1)
    pairing.add_boxes(1033, "b1033", 0.0)
    pairing.add_depth(0, "wrong", 1)
    assert pairing.ready(0.0) == []
    pairing.add_depth(1033, "d1033", 1)
    assert pairing.ready(0.0) == [("b1033", "d1033")]


def test_boxes_of_the_pass_before_are_gone_once_those_of_the_next_come(pairing):
    pairing.add_depth(1000, "d", 1)
    pairing.add_boxes(1033, "of before", 0.0)
    pairing.add_depth(0, "begins", 1)
    pairing.add_boxes(0, "b0", 0.0)
    assert pairing.ready(PATIENCE) == [("b0", "begins")]


def test_large_depth_is_kept_for_as_long_as_there_is_room(pairing):
    for stamp in (100, 200, 300):
        pairing.add_depth(stamp, f"d{stamp}", MAX_BYTES // 2)
    for stamp, depth in ((100, None), (200, "d200"), (300, "d300")):
        pairing.add_boxes(stamp, "b", 0.0)
        assert pairing.ready(0.0) == [("b", depth)]
    pairing.add_depth(400, "alone", 2 * MAX_BYTES)
    pairing.add_boxes(400, "b", 0.0)
    assert pairing.ready(0.0) == [("b", "alone")]
