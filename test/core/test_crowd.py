"""The tracker on an engine that learns online and answers to all that is red."""

from dataclasses import replace

import numpy as np
import pytest

from tracker_ros.core.config import TrackingConfig
from tracker_ros.core.engine import Engine
from tracker_ros.core.geometry.decode import Prediction
from tracker_ros.core.geometry.refined import Refined
from tracker_ros.core.online.model import presence
from tracker_ros.core.online.trust import FADED
from tracker_ros.core.recovery import PATIENCE
from tracker_ros.core.state import TargetState
from tracker_ros.core.tracker import Tracker

CONFIG = TrackingConfig(
    query_size=112,
    memory_size=112,
    search_factor=2.625,
    window_influence=0,
    aside_score=0.35,
    motion=0.8,
    tracking_score=0.5,
    lost_score=0.2,
    memory_score=0.3,
    recover_score=0.1,
)
SIDE = 20
TARGET = 70, 50


class Glow(Engine):
    """Answers where something is red, as strongly as it is red: 100 means 1."""

    tracking, facts, provider, responds, reuses = CONFIG, {}, "test", True, False

    def __init__(self):
        self.learned = 0

    def start(self, crop, box, views=()):
        return ()

    def locate_all(self, queries):
        return [(self._answer(query.crop), query.state) for query in queries]

    def remember_all(self, examples):
        self.learned += len(examples)
        return [example.state for example in examples]

    def gate(self, state):
        return None

    def remembered(self, state):
        return 1

    def _answer(self, crop):
        red = np.maximum(crop[:, :, 2].astype(np.float32) - 20, 0) / 100
        red = red.reshape(14, 8, 14, 8).mean((1, 3))
        near = np.exp(-0.5 * (np.arange(-3, 4) / 1.33) ** 2) / 3.2
        for axis in (0, 1):
            red = np.apply_along_axis(np.convolve, axis, red, near, "same")
        response = red.astype(np.float32)
        return Prediction(presence(response), None, response, opinion=0.9)


class Forms(Glow):
    """Answers to a square of any colour, and a comparison with the first frame likes it, too."""

    def _answer(self, crop):
        brightest = np.repeat(crop.max(2, keepdims=True), 3, 2)
        return replace(
            super()._answer(brightest), refined=Refined((46, 46, 20, 20), 0.98, (46, 46, 20, 20))
        )


class Sizes(Forms):
    """A comparison with the first frame likes a square only in a window of the right size."""

    def _answer(self, crop):
        seen = np.sqrt((crop.max(2) > 60).sum()) / self.tracking.target_side
        likes = 0.98 if 0.85 < seen < 1.15 else 0.2
        return replace(
            super()._answer(crop), refined=Refined((46, 46, 20, 20), likes, (46, 46, 20, 20))
        )


def frame(*things, channel=2, side=SIDE):
    """A grey picture with red squares around x, y, each as red as its third number, in percent."""
    image = np.full((120, 160, 3), 20, np.uint8)
    for x, y, red in things:
        image[y - side // 2 : y + side // 2, x - side // 2 : x + side // 2, channel] = 20 + red
    return image


def started(engine=Glow):
    tracker = Tracker(engine())
    tracker.init(frame((*TARGET, 100)), (TARGET[0] - 10, TARGET[1] - 10, SIDE, SIDE))
    for _ in range(3):
        tracker.update(frame((*TARGET, 100)))
    return tracker


def centre(box):
    return box[0] + box[2] / 2, box[1] + box[3] / 2


def test_a_redder_one_that_walks_up_is_not_taken_for_the_target():
    tracker = started()
    for step in range(12):
        result = tracker.update(frame((*TARGET, 100), (106 - step, 64, 150)))
        assert centre(result.box) == pytest.approx(TARGET, abs=4)


def test_beside_a_rival_nothing_is_learned():
    tracker = started()
    alone = tracker.engine.learned
    for _ in range(6):
        tracker.update(frame((*TARGET, 100)))
    assert tracker.engine.learned > alone
    for step in range(10):
        tracker.update(frame((*TARGET, 100), (106 - 2 * step, 56, 100)))
    alone = tracker.engine.learned
    for _ in range(6):
        tracker.update(frame((*TARGET, 100), (86, 56, 100)))
    assert tracker.engine.learned == alone


@pytest.mark.parametrize("fades", [False, True])
def test_what_has_faded_is_not_looked_for_beside_its_window(fades):
    tracker = started()
    if fades:
        for red in (90, 70, 50):
            tracker.update(frame((*TARGET, red)))
        assert 100 * FADED > 50
    away = TARGET[0] + 40, TARGET[1]
    result = tracker.update(frame((*away, 100)))
    if fades:
        assert result.state is TargetState.UNCERTAIN
        assert centre(result.box) == pytest.approx(TARGET, abs=4)
    else:
        assert centre(result.box) == pytest.approx(away, abs=4)


def test_a_correction_is_no_step_of_the_target():
    tracker = started()
    x, y, w, h = tracker.last_box
    tracker.correct((x + 36, y, w, h))
    here = TARGET[0] + 36, TARGET[1]
    tracker.update(frame((*here, 100)))
    for _ in range(3):  # its like stands where the target would be if it went on so
        result = tracker.update(frame((*here, 100), (here[0] + 24, here[1], 100)))
        assert centre(result.box) == pytest.approx(here, abs=4)


def test_a_lost_target_is_not_found_again_in_another_colour():
    tracker, away = started(Forms), (110, 70)
    box = away[0] - SIDE / 2, away[1] - SIDE / 2, SIDE, SIDE
    tracker.lose()
    for _ in range(2 * PATIENCE):
        assert tracker.update(frame((*away, 100), channel=0)).box is None
    assert tracker.recover(frame((*away, 100), channel=0), [box]) is None
    states = [tracker.update(frame((*away, 100))).state for _ in range(2 * PATIENCE)]
    assert states[-1] is TargetState.TRACKING
    tracker.lose()
    assert centre(tracker.recover(frame((*away, 100)), [box]).box) == pytest.approx(away, abs=4)


@pytest.mark.parametrize("factor", [1.0, 1.4, 0.7])
def test_a_lost_target_is_found_again_in_another_size(factor):
    tracker, side, away = started(Sizes), round(factor * SIDE), (100, 64)
    tracker.lose()
    for _ in range(2 * PATIENCE):
        result = tracker.update(frame((*away, 100), side=side))
    assert result.state is TargetState.TRACKING
    assert centre(result.box) == pytest.approx(away, abs=4)
    assert result.box[2:] == pytest.approx((side, side), abs=2)
