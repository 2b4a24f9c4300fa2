"""Wrong stamps, clocks that jump, and how one is told from the other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker_ros.runtime.stream_clock import PERSISTENT, StreamClock

STEP = 33_000_000  # ns
SECOND = 1_000_000_000


def judge(stamps, jump: int = SECOND // 10, between: int = STEP):
    """A clock's verdicts on frames that arrive at a steady rate."""
    clock = StreamClock(jump)
    return [clock.judge(stamp, 7 * SECOND + i * between) for i, stamp in enumerate(stamps)]


def camera(count: int = 20) -> list[int]:
    return [100 * SECOND + i * STEP for i in range(count)]


@pytest.mark.parametrize("jump", [0, SECOND // 10, 60 * SECOND])
@pytest.mark.parametrize("at", [0, 1, 2, 7, 18])
@pytest.mark.parametrize("offset", [5, -5, 3600, -3600, 1e6])
def test_one_wrong_stamp_never_ends_a_track(jump, at, offset):
    stamps = camera()
    stamps[at] = max(stamps[at] + round(offset * SECOND), 0)
    verdicts = judge(stamps, jump)
    assert not any(v.back for v in verdicts)
    assert all(v.accepted for v in verdicts[at + PERSISTENT :])
    if at:
        assert [v.accepted for v in verdicts].count(False) == 1
        assert f"stamp {stamps[at] / SECOND:.3f}"[:-1] in verdicts[at].reason


def test_two_wrong_stamps_in_a_row_are_left_out():
    stamps = camera()
    for i in (7, 8):
        stamps[i] += 5 * SECOND
    verdicts = judge(stamps)
    assert [i for i, v in enumerate(verdicts) if not v.accepted] == [7, 8]


def test_wrong_stamps_that_do_not_agree_are_no_clock():
    stamps = camera()
    for i, offset in zip(range(5, 15), (5, -5, 9, 3, -8, 40, 0, -4, 50, 20), strict=True):
        stamps[i] += offset * SECOND
    verdicts = judge(stamps)
    assert not any(v.jumped for v in verdicts)
    assert [i for i, v in enumerate(verdicts) if v.accepted] == [0, 1, 2, 3, 4, 11, *range(15, 20)]


def test_stamps_slightly_ahead_are_withdrawn_when_the_next_ones_deny_them():
    stamps = camera()
    for i in (7, 8):
        stamps[i] += SECOND // 2
    verdicts = judge(stamps)
    assert all(v.accepted for v in verdicts)
    assert [v.withdrawn for v in verdicts] == [0] * 9 + [2] + [0] * 10
    assert "ahead of the one after it" in verdicts[9].reason


def test_recording_that_begins_again_goes_back_after_three_frames():
    verdicts = judge([*camera(), *camera()])
    assert [i for i, v in enumerate(verdicts) if v.back] == [22]
    assert "jumped back in time" in verdicts[22].reason
    assert [i for i, v in enumerate(verdicts) if not v.accepted] == [20, 21]


def test_clock_that_is_set_ahead_is_followed_and_does_not_go_back():
    stamps = camera()
    later = [s + 3600 * SECOND for s in stamps[10:]]
    verdicts = judge([*stamps[:10], *later])
    assert [(v.jumped, v.back) for v in verdicts[10:14]] == [
        (False, False), (False, False), (True, False), (False, False),
    ]  # fmt: skip


@pytest.mark.parametrize("wrong", [[105 * SECOND + i for i in range(4)], [0] * 4])
def test_clock_that_comes_back_is_no_recording_that_begins_again(wrong):
    stamps = camera()
    stamps[8:12] = wrong
    assert not any(v.back for v in judge(stamps))


def test_camera_that_paused_is_in_order():
    clock = StreamClock(0)
    for i, second in enumerate((1, 2, 3, 60, 61, 300)):
        assert clock.judge(second * SECOND + i, second * SECOND).accepted


def test_slow_recording_that_is_played_fast_costs_nothing_once_its_pace_is_known():
    verdicts = judge([i * 5 * SECOND for i in range(20)], between=1_000_000)
    assert [v.accepted for v in verdicts] == [True, False, False] + [True] * 17


def test_camera_without_a_clock_is_in_order():
    assert all(v.accepted for v in judge([0] * 20))


@given(st.lists(st.integers(0, 20 * SECOND), max_size=60), st.integers(0, 60 * SECOND))
def test_every_stream_comes_back_to_a_good_camera(noise, jump):
    verdicts = judge([*noise, *(s + 3600 * SECOND for s in camera(10))], jump)
    assert all(v.accepted for v in verdicts[-5:])
    assert all(v.accepted or v.reason for v in verdicts)
