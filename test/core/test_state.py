import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker_ros.core.config import TrackingConfig
from tracker_ros.core.state import UNSEEN_AFTER, UNSEEN_SHARE, Presence, TargetState

CONFIG = TrackingConfig(
    tracking_score=0.5, lost_score=0.3, lost_after=3, recover_score=0.6, recover_after=2
)
T, U, L = TargetState.TRACKING, TargetState.UNCERTAIN, TargetState.LOST


def states(*scores):
    presence, seen = Presence(), []
    for score in scores:
        presence = presence.after(score, CONFIG)
        seen.append(presence.state)
    return seen


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([0.9, 0.5], [T, T]),  # the threshold itself is enough
        ([0.49, 0.5], [U, T]),  # and back at once
        ([0.3] * 9, [U] * 9),  # uncertain for ever: never below lost_score
        ([0.29] * 3, [U, U, L]),
        ([0.2, 0.2, 0.3, 0.2, 0.2], [U] * 5),  # one better frame starts the count again
        ([0.2, 0.2, 0.9, 0.2, 0.2, 0.2], [U, U, T, U, U, L]),
        ([0.2] * 3 + [0.59] * 4, [U, U, L, L, L, L, L]),  # better, but not found
        ([0.2] * 3 + [0.6, 0.6], [U, U, L, L, T]),
        ([0.2] * 3 + [0.6, 0.5, 0.6, 0.6], [U, U, L, L, L, L, T]),  # not consecutive
        ([0.2] * 3 + [0.9, 0.9, 0.2, 0.2, 0.2], [U, U, L, L, T, U, U, L]),  # lost again
        ([0.0, 0.0, 0.15, 0.2, 0.2], [U, L, L, L, L]),  # unseen, then given up for being weak
        ([0.14, 0.14, 0.3, 0.14, 0.9], [U, L, U, U, T]),  # unseen alone ends at once
        ([0.0, 0.15, 0.3, 0.0, 0.15], [U] * 5),  # weak, but seen
    ],
)
def test_transitions(scores, expected):
    assert states(*scores) == expected


def test_lost_frames_are_counted_from_the_first():
    presence, counts = Presence(), []
    for score in [0.1] * 5 + [0.9, 0.9, 0.1]:
        presence = presence.after(score, CONFIG)
        counts.append((presence.lost_frames, presence.searched))
    assert counts == [(0, 0), (1, 0), (2, 1), (3, 2), (4, 3), (5, 4), (0, 0), (0, 0)]


def test_one_that_is_given_up_keeps_count():
    assert Presence().lose() == Presence(L, lost_frames=1, searched=1)
    assert Presence(L, unseen=4, lost_frames=3).lose() == Presence(L, lost_frames=3, searched=1)


def test_one_frame_is_enough_where_the_config_says_so():
    config = TrackingConfig(lost_after=1, recover_after=1, lost_score=0.3, recover_score=0.6)
    lost = Presence().after(0.1, config)
    assert lost.state is L and lost.after(0.7, config).state is T


@given(st.lists(st.floats(0, 1), max_size=60))
def test_hysteresis_holds_for_any_scores(scores):
    presence = Presence()
    for index, score in enumerate(scores):
        before, presence = presence, presence.after(score, CONFIG)
        assert (presence.state is L) == (presence.lost_frames > 0)
        assert presence.lost_frames in (0, before.lost_frames + 1)
        weak = max(scores[max(index - 2, 0) : index + 1]) < CONFIG.lost_score and index >= 2
        unseen = scores[max(index + 1 - UNSEEN_AFTER, 0) : index + 1]
        if presence.given_up:
            assert presence.state is L and presence.searched == before.searched + 1
            assert before.given_up or weak
        elif before.given_up:
            assert min(scores[index - 1 : index + 1]) >= CONFIG.recover_score
            assert presence.state is T
        elif presence.state is L:
            assert len(unseen) == UNSEEN_AFTER and max(unseen) < UNSEEN_SHARE * CONFIG.lost_score
        else:
            assert (presence.state is T) == (score >= CONFIG.tracking_score)
