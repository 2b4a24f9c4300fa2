"""Peaks of a response that move: which one is the target's?"""

import numpy as np
import pytest

from tracker_ros.core.geometry.crop import Window
from tracker_ros.core.geometry.decode import Prediction
from tracker_ros.core.geometry.peaks import highest
from tracker_ros.core.geometry.rivals import PATIENCE, Rivals

WINDOW, CELL, SIDE = Window(0, 0, 112, 112), 8, 40.0
TARGET = 59.0, 58.0, 0.6  # x, y in pixels, response


def answer(*peaks):
    """What an engine says where these answer."""
    rows, columns = (np.mgrid[:14, :14] + 0.5) * CELL
    response = np.zeros((14, 14), np.float32)
    for x, y, strength in peaks:
        away = (columns - x) ** 2 + (rows - y) ** 2
        response += strength * np.exp(-away / 2 / (1.3 * CELL) ** 2).astype(np.float32)
    return Prediction(response.copy(), None, response, opinion=0.9)


def place(prediction):
    """The highest place, pixels."""
    return tuple((part + 0.5) * CELL for part in highest(prediction.response))


class Game:
    """Follows a target from frame to frame, as the tracker does."""

    def __init__(self):
        self.rivals, self.centre = Rivals(), TARGET[:2]

    def see(self, *peaks):
        prediction = answer(*peaks)
        verdict = self.rivals.judge(prediction, WINDOW, self.centre, SIDE)
        sure = verdict.prediction.strength > 0.3
        if sure:
            self.centre = place(verdict.prediction)
        self.rivals = verdict.after(WINDOW, self.centre, sure)
        return verdict


def test_a_target_alone_may_go_as_far_as_it_likes():
    game = Game()
    for x in (56, 56, 20, 90, 90):
        verdict = game.see((x, 56, 0.6))
        assert not verdict.mistaken and verdict.prediction.opinion == 0.9
        assert game.centre == pytest.approx((x, 56), abs=3)
    assert game.rivals.others == ()


def test_a_rival_that_answers_more_strongly_is_not_taken_for_the_target():
    game, wrong = Game(), 0
    for frame in range(12):
        rival = 111.5 - 3 * frame, 78, 0.45 + 0.04 * frame
        verdict = game.see(TARGET, rival)
        assert game.centre == pytest.approx(TARGET[:2], abs=5)
        if verdict.mistaken:
            wrong += 1
            assert place(answer(TARGET, rival)) == pytest.approx(rival[:2], abs=6)
            assert verdict.prediction.opinion is None  # the network was asked about the rival
    assert wrong > 3


def test_one_that_passes_before_the_target_goes_on_alone():
    game = Game()
    for frame in range(24):
        x = 113.5 - 5 * frame
        behind = abs(x - 59) < 20  # the target cannot be seen
        passing = x, 60, 0.8
        game.see(passing) if behind else game.see(TARGET, passing)
    assert game.centre == pytest.approx(TARGET[:2], abs=5)


def test_a_hidden_target_is_nowhere_and_not_where_its_rival_is():
    game = Game()
    for frame in range(6):
        game.see(TARGET, (99 - 2 * frame, 83, 0.5))
    verdict = game.see((87, 83, 0.5))
    assert verdict.own is None and verdict.mistaken
    assert verdict.prediction.strength < 0.1 and verdict.prediction.score.max() < 0.1
    assert game.centre == pytest.approx(TARGET[:2], abs=3)


@pytest.mark.parametrize(("left", "stays"), [(0.55, True), (0.2, False)])
def test_what_turns_up_is_the_target_only_if_that_is_gone(left, stays):
    game = Game()
    for _ in range(4):
        game.see(TARGET)
    game.see((*TARGET[:2], left), (98, 30, 0.65))
    assert game.centre == pytest.approx(TARGET[:2] if stays else (98, 30), abs=5)


def test_a_rival_is_given_up_when_it_is_not_seen_for_some_frames():
    game = Game()
    for frame in range(3):
        game.see(TARGET, (104 - frame, 16, 0.5))
    for _ in range(PATIENCE):
        assert len(game.rivals.others) == 1
        game.see(TARGET)
    game.see(TARGET)
    assert game.rivals.others == ()


def test_a_rival_that_comes_close_makes_it_crowded():
    game = Game()
    for frame in range(10):
        game.see(TARGET, (112 - 3 * frame, 60, 0.5))
        far = 112 - 3 * frame - TARGET[0] > 0.8 * SIDE
        assert not (far and game.rivals.crowded)
    assert game.rivals.crowded


def test_a_correction_is_no_step_of_the_target():
    game = Game()
    for _ in range(4):
        game.see((90, 56, 0.6))
    game.rivals, game.centre = game.rivals.corrected(), (30.0, 56.0)
    for _ in range(3):
        game.see((30, 56, 0.6), (90, 56, 0.6))
        assert game.centre == pytest.approx((30, 56), abs=3)
        assert game.rivals.motion.carry((0, 0)) == pytest.approx((0, 0), abs=3)
