"""A target is followed, lost, found and started on again."""

from dataclasses import replace

import numpy as np
import pytest

from tracker_ros.core.errors import TrackerError
from tracker_ros.core.geometry.crop import crop, window_around
from tracker_ros.core.recovery import MOST_PLACES, PATIENCE
from tracker_ros.core.state import TargetState
from tracker_ros.core.tracker import Tracker

from .red import BOX, CONFIG, GOOD, MeasuringEngine, RedEngine, frame


def test_it_follows_the_square(tracker):
    for shift in range(0, 40, 4):
        box = (60 + shift, 40 - shift // 2, 20, 20)
        result = tracker.update(frame(box))
        assert result.box == pytest.approx(box, abs=1.5)
        assert result.state is TargetState.TRACKING and result.score == pytest.approx(GOOD)
        assert set(result.timings) == {"crop", "locate", "decode"}
        assert all(value >= 0 for value in result.timings.values())


def test_engine_gets_the_crops_and_boxes_of_the_contract(tracker):
    moved = (66, 43, 20, 20)
    tracker.update(frame(moved))
    (_, start, start_box), (_, query), (_, memory, memory_box, score) = tracker.engine.log
    around_box = window_around(BOX, CONFIG.memory_factor, CONFIG.memory_size)
    assert np.array_equal(start, crop(frame(), around_box))
    assert start_box == around_box.to_crop(BOX)
    search = window_around(BOX, CONFIG.search_factor, CONFIG.query_size)
    assert np.array_equal(query, crop(frame(moved), search))
    around_found = window_around(tracker.last_box, CONFIG.memory_factor, CONFIG.memory_size)
    assert np.array_equal(memory, crop(frame(moved), around_found))
    assert memory_box == around_found.to_crop(tracker.last_box)
    assert score == pytest.approx(GOOD)


def test_lost_has_no_box_and_writes_no_memory(tracker):
    tracker.update(frame())
    result = tracker.update(frame(score=0))
    assert result.state is TargetState.UNCERTAIN and result.box is not None
    for lost_frames in (1, 2, 3):
        result = tracker.update(frame(score=0))
        assert result.state is TargetState.LOST and result.box is None
        assert result.lost_frames == lost_frames
    assert tracker.memory_size == 2
    # It comes back elsewhere: found on the second strong frame, remembered only then.
    back = (80, 50, 20, 20)
    result = tracker.update(frame(back))
    assert result.state is TargetState.LOST and result.box is None and tracker.memory_size == 2
    result = tracker.update(frame(back))
    assert result.state is TargetState.TRACKING and result.lost_frames == 0
    assert result.box == pytest.approx(back, abs=1) and tracker.memory_size == 3


def test_a_target_that_is_not_seen_for_a_moment_has_no_box_and_is_there_again_at_once(tracker):
    tracker.update(frame())
    place = tracker.last_box
    assert tracker.update(frame(score=0)).box == pytest.approx(place)
    assert tracker.update(frame(score=0)).box is None and tracker.last_box == pytest.approx(place)
    assert not tracker.given_up
    result = tracker.update(frame())
    assert result.state is TargetState.TRACKING and result.box == pytest.approx(place, abs=1)


def test_weak_evidence_does_not_move_the_search_window(tracker):
    before = tracker.last_box
    tracker.update(frame((80, 40, 20, 20), score=0.1))
    assert tracker.last_box == before
    tracker.update(frame((80, 40, 20, 20), score=0.3))
    assert tracker.last_box == pytest.approx((80, 40, 20, 20), abs=1)


def test_a_lost_target_is_looked_for_around_and_found_where_it_reappears():
    size, far = (300, 400), (250, 150, 20, 20)
    tracker = Tracker(RedEngine())
    tracker.init(frame((200, 150, 20, 20), size=size), (200, 150, 20, 20))
    for _ in range(CONFIG.lost_after + PATIENCE + 3):
        tracker.update(frame((200, 150, 20, 20), score=0, size=size))
    assert tracker.last_box == (200, 150, 20, 20)  # the search does not move the estimate
    for _ in range(MOST_PLACES + CONFIG.recover_after):
        result = tracker.update(frame(far, size=size))  # out of the window around the old place
        if result.box:
            break
    assert result.state is TargetState.TRACKING and result.box == pytest.approx(far, abs=1.5)


def test_what_only_looked_like_it_for_one_frame_is_forgotten(tracker):
    for _ in range(CONFIG.lost_after):
        tracker.update(frame(score=0))
    tracker.update(frame((80, 50, 20, 20)))
    assert tracker.last_box == pytest.approx((80, 50, 20, 20), abs=1.5)
    result = tracker.update(frame((80, 50, 20, 20), score=0))
    assert result.box is None and tracker.last_box == BOX


def test_reset_forgets_everything(tracker):
    tracker.locate(frame())
    tracker.reset()
    assert tracker.memory_size == 0 and tracker.last_box is None
    assert tracker.remember() is None
    with pytest.raises(TrackerError, match="call init first"):
        tracker.locate(frame())
    tracker.init(frame(), BOX)
    assert tracker.update(frame()).state is TargetState.TRACKING


def test_a_new_start_replaces_the_target_and_its_memory(tracker):
    for _ in range(3):
        tracker.update(frame(score=0))
    tracker.locate(frame())
    tracker.init(frame((20, 60, 20, 20)), (20, 60, 20, 20))
    assert tracker.memory_size == 1 and tracker.remember() is None
    result = tracker.update(frame((20, 60, 20, 20)))
    assert result.state is TargetState.TRACKING and result.lost_frames == 0


def test_a_target_that_leaves_keeps_its_centre_in_the_image(tracker):
    tracker.init(frame((140, 40, 20, 20)), (140, 40, 20, 20))
    for shift in range(0, 24, 4):
        result = tracker.update(frame((140 + shift, 40, 20, 20)))
        x, _, w, _ = result.box
        assert x + w / 2 <= 160 and w >= 4


@pytest.mark.parametrize(("interval", "pace"), [(1, 1), (2, 1), (1, -1)])
def test_a_filter_finds_the_scale_where_the_networks_size_does_not_count(interval, pace):
    config = replace(CONFIG, size_rate=0.0, scale_step=0.1, memory_interval=interval)
    tracker = Tracker(MeasuringEngine(config))
    tracker.init(frame((60, 20, 60, 60), size=(240, 320)), (60, 20, 60, 60))
    for step in range(1, 21):
        side = 60 + pace * step
        result = tracker.update(frame((60, 20, side, side), size=(240, 320)))
    assert result.box[2] == pytest.approx(side, rel=0.12) and result.box[2] == result.box[3]
    still = Tracker(MeasuringEngine(replace(config, scale_step=0.0)))
    still.init(frame((60, 20, 60, 60), size=(240, 320)), (60, 20, 60, 60))
    assert still.update(frame((60, 20, 70, 70), size=(240, 320))).box[2] == 60


def test_what_comes_back_far_away_must_agree_with_the_first_frame():
    """A square of another size is as red, but not what the first frame showed."""
    size, far = (300, 400), (250, 150, 20, 20)

    class Doubting(RedEngine):
        doubted = False

        def locate(self, crop, state, other=None):
            prediction, state = super().locate(crop, state)
            if self.doubted and len(state) == 1:  # what is asked with the first frame alone
                prediction = replace(prediction, score=prediction.score * 0.3)
            return prediction, state

    for doubted in (True, False):
        tracker = Tracker(Doubting())
        tracker.engine.doubted = doubted
        tracker.init(frame((200, 150, 20, 20), size=size), (200, 150, 20, 20))
        tracker.update(frame((200, 150, 20, 20), size=size))  # a second memory: another state
        for _ in range(CONFIG.lost_after + PATIENCE + 3):
            tracker.update(frame((200, 150, 20, 20), score=0, size=size))
        for _ in range(MOST_PLACES + CONFIG.recover_after):
            result = tracker.update(frame(far, size=size))
        assert (result.state is TargetState.LOST) == doubted
