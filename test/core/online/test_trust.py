import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker_ros.core.geometry.decode import Prediction
from tracker_ros.core.geometry.refined import Refined
from tracker_ros.core.online.model import presence
from tracker_ros.core.online.trust import OPINION_MIDPOINT, OPINION_RATE, OPINIONS, SURE, Trust


def trust_after(*opinions):
    trust = Trust()
    for opinion in opinions:
        trust = trust.after(opinion)
    return trust


def test_all_of_a_score_is_left_until_enough_opinions_are_known():
    for count in range(OPINIONS):
        assert trust_after(*([0.9] * min(count, 1)), *([0.0] * max(count - 1, 0))).share == 1
    assert trust_after(0.9, *[0.0] * (OPINIONS - 1)).share < 0.6


def test_golden_averages():
    trust = trust_after(0.8, 0.6, 0.7, 0.9, 0.5)
    assert trust.first == pytest.approx(0.7) and trust.count == OPINIONS == 5
    # 0.8, 0.7, 0.7, 0.8, 0.65
    assert OPINION_RATE == 0.5 and trust.recent == pytest.approx(0.65)


def test_the_first_opinions_are_the_measure_for_all_later_ones():
    trust = trust_after(*[0.8] * OPINIONS)
    later = trust.after(0.1)
    assert (later.first, later.count) == (trust.first, trust.count)
    assert later.recent == pytest.approx(0.8 + OPINION_RATE * (0.1 - 0.8))
    assert trust.recent == pytest.approx(0.8)  # the old one is as it was


@pytest.mark.parametrize("level", [0.3, 0.6, 0.9])
def test_trust_is_relative_to_the_target(level):
    steady = trust_after(*[level] * 20)
    assert steady.share > 0.99
    assert trust_after(*[level] * OPINIONS, *[level / 3] * 20).share < 0.01
    assert Trust(level, OPINIONS, OPINION_MIDPOINT * level).share == pytest.approx(0.5)


def test_trust_comes_back_with_the_opinions():
    shares, trust = [], trust_after(*[0.8] * OPINIONS)
    for opinion in [0.2] * 4 + [0.8] * 8:
        trust = trust.after(opinion)
        shares.append(trust.share)
    fallen, risen = shares[:4], shares[4:]
    assert fallen == sorted(fallen, reverse=True) and risen == sorted(risen)
    assert fallen[-1] < 0.01 and risen[-1] > 0.99


def test_no_opinion_changes_nothing():
    trust = trust_after(0.8, 0.7)
    assert trust.after(None) == trust and Trust().after(None) == Trust()


def answer(opinion, strength=0.0, present=None):
    response = np.full((3, 3), strength)
    refined = None if present is None else Refined((0, 0, 9, 9), present, (0, 0, 9, 9))
    return Prediction(response, None, response, opinion=opinion, refined=refined)


def agrees(trust, *found, **said):
    return trust.speaks(*found, **said) >= 0


def test_a_lost_target_is_agreed_to_near_the_first_opinions():
    trust = Trust(0.5, OPINIONS, 0.1)
    assert agrees(trust, answer(SURE * 0.5)) and not agrees(trust, answer(SURE * 0.5 - 1e-6))
    assert agrees(trust, answer(None))
    assert agrees(Trust(), answer(0.0))  # nothing to compare with


def test_opinion_response_and_presence_speak_for_a_find_together():
    trust = Trust(0.5, OPINIONS, 0.1, usual=0.8)
    usual = {"opinion": 0.5, "strength": 0.5, "present": 0.5}
    assert agrees(trust, answer(**usual))
    for weaker in ({"opinion": 0.3}, {"strength": 0.2}, {"present": 0.1}):
        assert not agrees(trust, answer(**usual | weaker))
    # One may make up for another: partly hidden the response is weak, but this is surely it.
    assert not agrees(trust, answer(0.4, 0.3, 0.5)) and agrees(trust, answer(0.4, 0.3, 0.95))
    assert agrees(trust, answer(0.5, 0.9, 0.0)) is agrees(trust, answer(0.5, 0.9, 0.001))


def followed(trust, opinion, strength, odds, looks):
    for _ in range(looks):
        trust = trust.after(opinion, strength, odds)
    return trust


def test_what_answers_as_usual_is_doubted_where_network_and_refiner_object():
    known = followed(Trust(), 0.8, 0.7, 3.0, OPINIONS)
    assert followed(known, 0.8, 0.7, 3.0, 30).share > 0.99
    assert followed(known, 0.6, 0.7, -1.0, 5).share > 0.9  # not by a few looks
    assert followed(known, 0.6, 0.7, -1.0, 30).share < 0.05
    # One of the two is not enough: a target turns, or stands in other light.
    assert followed(known, 0.8, 0.7, -2.0, 60).share > 0.7
    assert followed(known, 0.6, 0.7, 2.0, 60).share > 0.9
    # An opinion that is a little lower than at first denies nothing: the target came nearer.
    assert followed(known, 0.72, 0.7, -2.0, 60).share > 0.7
    # Nor is anything told by what is half hidden, which the response tells by itself.
    assert followed(known, 0.6, 0.4, -1.0, 30).evidence == known.evidence
    assert followed(known, 0.6, 0.7, None, 30).evidence == known.evidence


def test_more_must_speak_for_a_find_where_what_was_followed_was_doubted():
    known = followed(Trust(), 0.8, 0.7, 3.0, OPINIONS)
    doubted = followed(known, 0.6, 0.7, -1.0, 30)
    learned, target = answer(0.5, 0.6, 0.4), answer(0.8, 0.7, 0.98)
    assert agrees(known, learned, colours=0.08) and not agrees(doubted, learned, colours=0.08)
    assert agrees(doubted, target)
    assert doubted.again().evidence == Trust().evidence


def test_colours_speak_for_a_find_and_against_it():
    trust = Trust(0.5, OPINIONS, 0.1, usual=0.8)
    likely, unlikely = answer(0.5, 0.5, 0.7), answer(0.4, 0.3, 0.5)
    assert agrees(trust, likely, colours=0.0) and not agrees(trust, likely, colours=-0.4)
    assert not agrees(trust, unlikely, colours=0.0) and agrees(trust, unlikely, colours=0.2)


def test_more_must_speak_for_what_is_not_where_the_target_was():
    trust = Trust(0.5, OPINIONS, 0.5, usual=0.8)
    assert agrees(trust, answer(0.5, 0.5, 0.6))
    assert not agrees(trust, answer(0.5, 0.5, 0.6), farther=True)
    assert agrees(trust, answer(0.5, 0.6, 0.99), farther=True)


def test_a_comparison_with_the_first_frame_counts_beside_the_response():
    trust = Trust(0.5, OPINIONS, 0.5, usual=0.8)
    alone = float(presence(0.3))
    assert trust.score(answer(0.5, 0.3), alone) == pytest.approx(alone, abs=0.01) and alone < 0.1
    # Before another background a target answers weakly, but looks as it did.
    assert trust.score(answer(0.5, 0.3, 0.98), alone) > 0.8
    assert trust.score(answer(0.5, 0.2, 0.98), alone) < 0.5
    # What has learned something else answers strongly, and that does not look as the target did.
    assert trust.score(answer(0.5, 0.5, 0.5), 0.95) > 0.9
    assert trust.score(answer(0.5, 0.8, 0.01), 0.99) < 0.5
    # Of both no more is left than of the trust.
    assert Trust(0.5, OPINIONS, 0.1).score(answer(0.1, 0.8, 0.99), 1.0) < 0.01


def test_the_usual_response_is_that_to_all_of_the_target():
    trust = Trust()
    for strength in (0.9, 0.8, 0.9):
        trust = trust.after(0.7, strength)
    assert trust.usual == pytest.approx(0.9 - 0.1 * 0.1 + 0.1 * 0.01, abs=1e-3)
    hidden = trust.after(0.7, 0.5)
    assert hidden.usual == trust.usual and hidden.count == trust.count + 1
    assert trust.clear(0.8) and not trust.clear(0.5)


def test_how_much_is_seen_a_response_tells_beside_the_usual_one():
    trust = Trust(usual=0.5)
    assert [trust.seen(strength) for strength in (0.1, 0.3, 0.35, 0.4, 0.9)] == pytest.approx(
        [0, 0, 0.5, 1, 1]
    )
    assert Trust().seen(0.2) == 1  # nothing is usual yet


def test_found_again_the_recent_opinions_begin_anew():
    trust = trust_after(*[0.8] * OPINIONS, *[0.1] * 9)
    again = trust.again()
    assert trust.share < 0.01 and again.share == 1
    assert (again.first, again.count) == (trust.first, trust.count)
    assert again.after(0.7).recent == 0.7


@given(st.lists(st.none() | st.floats(0, 1), max_size=40))
def test_a_share_is_a_share_for_any_opinions(opinions):
    trust = trust_after(*opinions)
    given_ones = [opinion for opinion in opinions if opinion is not None]
    assert 0 <= trust.share <= 1
    assert trust.count == min(len(given_ones), OPINIONS)
    if given_ones:
        first = given_ones[:OPINIONS]
        assert trust.first == pytest.approx(sum(first) / len(first), abs=1e-9)
        assert min(given_ones) - 1e-9 <= trust.recent <= max(given_ones) + 1e-9
