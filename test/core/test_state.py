import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker_ros.core.config import TrackingConfig
from tracker_ros.core.state import Presence, TargetState

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
        ([0.0] * 3 + [0.59] * 4, [U, U, L, L, L, L, L]),  # better, but not found
        ([0.0] * 3 + [0.6, 0.6], [U, U, L, L, T]),
        ([0.0] * 3 + [0.6, 0.5, 0.6, 0.6], [U, U, L, L, L, L, T]),  # not consecutive
        ([0.0] * 3 + [0.9, 0.9, 0.0, 0.0, 0.0], [U, U, L, L, T, U, U, L]),  # lost again
    ],
)
def test_transitions(scores, expected):
    assert states(*scores) == expected


def test_lost_frames_are_counted_from_the_first():
    presence, counts = Presence(), []
    for score in [0.1] * 5 + [0.9, 0.9, 0.1]:
        presence = presence.after(score, CONFIG)
        counts.append(presence.lost_frames)
    assert counts == [0, 0, 1, 2, 3, 4, 0, 0]


def test_one_frame_is_enough_where_the_config_says_so():
    config = TrackingConfig(lost_after=1, recover_after=1, lost_score=0.3, recover_score=0.6)
    lost = Presence().after(0.1, config)
    assert lost.state is L and lost.after(0.7, config).state is T


@given(st.lists(st.floats(0, 1), max_size=60))
def test_hysteresis_holds_for_any_scores(scores):
    presence = Presence()
    for index, score in enumerate(scores):
        before, presence = presence, presence.after(score, CONFIG)
        if presence.state is L:
            assert presence.lost_frames == before.lost_frames + 1
            if before.state is not L:
                assert index >= 2 and max(scores[index - 2 : index + 1]) < CONFIG.lost_score
        else:
            assert presence.lost_frames == 0
            if before.state is L:
                assert min(scores[index - 1 : index + 1]) >= CONFIG.recover_score
                assert presence.state is T
            else:
                assert (presence.state is T) == (score >= CONFIG.tracking_score)
