"""When frames are due, and what jumping stamps do to that; the clock is a number here."""

import pytest

from tracker_ros.runtime.pacing import Pacing

SECOND = 1_000_000_000  # ns
PERIOD, LONGEST, BEGIN = 0.04, 5.0, 100.0
HOUR = 3600.0


def played(stamps, longest=LONGEST, period=PERIOD, lateness=0.0):
    """(due, sentence) of each frame, where each is played when it is due, or so much later."""
    pacing, now, found = Pacing(period, longest), BEGIN, []
    for stamp in stamps:
        due, said = pacing.due(round(stamp * SECOND), now)
        found.append((due - BEGIN, said))
        now = max(now, due) + lateness
    return found


def times(found):
    return [due for due, _ in found]


def test_frames_come_as_far_apart_as_their_stamps():
    found = played([7, 7.04, 7.04, 7.5, 12.5])
    assert times(found) == pytest.approx([0, 0.04, 0.04, 0.5, 5.5])
    assert not any(said for _, said in found)


def test_stamps_that_stand_still_are_no_measure_of_time():
    pacing = Pacing(PERIOD, LONGEST, still=True)
    found = [pacing.due(round(s * SECOND), BEGIN) for s in (7, 7, 7, 7.5, 7.5)]
    due = [0, PERIOD, 2 * PERIOD, 2 * PERIOD + 0.5, 3 * PERIOD + 0.5]
    assert times(found) == pytest.approx([BEGIN + one for one in due])
    assert not any(said for _, said in found)


def test_what_is_late_is_caught_up_with():
    assert times(played([0, 0.04, 0.08], lateness=1.0)) == pytest.approx([0, 0.04, 0.08])


@pytest.mark.parametrize("back", [0.001, 0.5, HOUR])
def test_after_a_jump_back_pacing_begins_anew(back):
    found = played([50, 50.04, 50.04 - back, 50.08 - back])
    assert times(found) == pytest.approx([0, 0.04, 0.04 + PERIOD, 0.08 + PERIOD])
    assert [bool(said) for _, said in found] == [False, False, True, False]
    assert f"jump back by {back:g} s" in found[2][1]


def test_a_long_pause_is_left_out_and_told_once():
    found = played([0, 0.04, HOUR, HOUR + 0.04])
    assert times(found) == pytest.approx([0, 0.04, 0.08, 0.12])
    assert [bool(said) for _, said in found] == [False, False, True, False]
    assert "jump ahead by 3599.96 s, which are left out" in found[2][1]


@pytest.mark.parametrize("wrong", [HOUR, -100.0])
def test_one_wrong_stamp_costs_nothing(wrong):
    found = played([0, 0.04, wrong, 0.12, 0.16])
    assert times(found) == pytest.approx([0, 0.04, 0.08, 0.12, 0.16])
    assert [bool(said) for _, said in found] == [False, False, True, True, False]


def test_after_a_jump_nothing_is_caught_up_with():
    # Played a second late each: the schedule after the jump begins where playing is.
    found = played([0, 0.04, 0, 0.04], lateness=1.0)
    assert times(found) == pytest.approx([0, 0.04, 2 + PERIOD, 2 + PERIOD + 0.04])


def test_a_source_of_a_long_period_has_no_pauses():
    found = played([0, 10, 20, 32], period=10.0)
    assert times(found) == pytest.approx([0, 10, 20, 32])
    assert not any(said for _, said in found)


def test_a_source_that_begins_again_as_it_was_told_is_no_news():
    pacing = Pacing(PERIOD, LONGEST)
    assert pacing.due(5 * SECOND, BEGIN) == (BEGIN, None)
    pacing.again()
    assert pacing.due(1 * SECOND, BEGIN) == (BEGIN + PERIOD, None)
    assert pacing.due(2 * SECOND, BEGIN) == (BEGIN + PERIOD + 1, None)
