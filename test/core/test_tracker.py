"""The tracker on an engine that sees a red square: redness is the score, the outline the box."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker_ros.core.config import TrackingConfig
from tracker_ros.core.errors import InputError, TrackerError
from tracker_ros.core.gate import Gate
from tracker_ros.core.geometry.crop import Window, crop, window_around
from tracker_ros.core.geometry.decode import Prediction, Refined
from tracker_ros.core.recovery import MOST_PLACES, PATIENCE
from tracker_ros.core.state import TargetState
from tracker_ros.core.tracker import Tracker

CONFIG = TrackingConfig(
    query_size=64,
    memory_size=48,
    search_factor=4.0,
    window_influence=0,
    penalty=0,
    size_rate=1,
    tracking_score=0.45,
    memory_score=0.7,
    lost_score=0.25,
    lost_after=3,
    recover_score=0.55,
    recover_after=2,
)
GOOD, BOX = 0.9, (60, 40, 20, 20)


def frame(box=BOX, score=GOOD, size=(120, 160)):
    """A grey picture with a square that is as red as its score."""
    image = np.full((*size, 3), 20, np.uint8)
    x, y, w, h = box
    image[y : y + h, x : x + w] = (0, 0, 100 + round(100 * score))
    return image


class RedEngine:
    """States are tuples of what was remembered; `log` tells the order of the steps."""

    facts, provider = {}, "test"
    responds = reuses = False

    def __init__(self, tracking=CONFIG):
        self.tracking = tracking
        self.log = []
        self.answer = None

    def each(self, work, items):
        return [work(item) for item in items]

    def start(self, crop, box):
        self.log.append(("start", crop.copy(), box))
        return ((crop, box),)

    def locate(self, crop, state, other=None):
        self.log.append(("locate", crop.copy()))
        if self.answer is not None:
            return self.answer, state
        cells = self.tracking.query_size // self.tracking.stride
        score = np.zeros((cells, cells), np.float32)
        boxes = np.tile(np.float32([10, 10, 20, 20])[:, None, None], (1, cells, cells))
        brightest = crop[:, :, 2].max()
        if brightest >= 90:
            red = crop[:, :, 2] > (20 + int(brightest)) / 2
            rows, columns = np.flatnonzero(red.any(1)), np.flatnonzero(red.any(0))
            box = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
            boxes[:] = np.float32(box)[:, None, None]
            row, column = (rows.mean() // 8).astype(int), (columns.mean() // 8).astype(int)
            score[row, column] = (np.median(crop[:, :, 2][red]) - 100) / 100
        return Prediction(score, boxes), state

    def locate_all(self, queries):
        return [self.locate(*one) for one in queries]

    def remember_all(self, examples):
        return [self.remember(*one) for one in examples]

    def remember(self, crop, box, score, state):
        self.log.append(("remember", None if crop is None else crop.copy(), box, score))
        return (*state, (crop, box))

    def gate(self, state):
        return Gate((0.0, 1.0, 0.0, 0.0), "se") if len(state) > 1 else None

    def remembered(self, state):
        return len(state)

    @property
    def steps(self):
        return [step for step, *_ in self.log]


@pytest.fixture
def tracker():
    tracker = Tracker(RedEngine())
    tracker.init(frame(), BOX)
    return tracker


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


def test_the_box_is_out_before_the_memory_is_written(tracker):
    result = tracker.locate(frame())
    assert result.gate is None and tracker.memory_size == 1
    assert tracker.engine.steps == ["start", "locate"]
    assert tracker.remember() == Gate((0.0, 1.0, 0.0, 0.0), "se")
    assert tracker.engine.steps == ["start", "locate", "remember"] and tracker.memory_size == 2
    assert tracker.remember() is None and tracker.memory_size == 2  # a frame is remembered once
    assert tracker.update(frame()).gate == Gate((0.0, 1.0, 0.0, 0.0), "se")


@pytest.mark.parametrize(("score", "remembered"), [(0.72, True), (0.68, False), (0.3, False)])
def test_only_confident_frames_are_remembered(tracker, score, remembered):
    tracker.update(frame(score=score))
    assert tracker.memory_size == 1 + remembered


def test_one_frame_of_an_interval_is_remembered():
    tracker = Tracker(RedEngine(replace(CONFIG, memory_interval=3)))
    tracker.init(frame(), BOX)
    scores = [GOOD, GOOD, GOOD, GOOD, GOOD, 0.68, GOOD, GOOD]  # the third; the sixth is too weak
    sizes = []
    for score in scores:
        tracker.update(frame(score=score))
        sizes.append(tracker.memory_size)
    assert sizes == [1, 1, 2, 2, 2, 2, 3, 3]


def test_a_weak_frame_drops_the_one_before_it(tracker):
    tracker.locate(frame())
    tracker.locate(frame(score=0.3))
    assert tracker.remember() is None and tracker.memory_size == 1


def test_lost_has_no_box_and_writes_no_memory(tracker):
    tracker.update(frame())
    for state in (TargetState.UNCERTAIN, TargetState.UNCERTAIN):
        result = tracker.update(frame(score=0))
        assert result.state is state and result.box is not None
    for lost_frames in (1, 2):
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


def test_update_without_a_target():
    tracker = Tracker(RedEngine())
    assert not tracker.initialised and tracker.memory_size == 0 and tracker.last_box is None
    with pytest.raises(TrackerError, match="no target: call init first"):
        tracker.update(frame())
    assert tracker.remember() is None and tracker.engine.log == []


def test_reset_forgets_everything(tracker):
    tracker.locate(frame())
    tracker.reset()
    assert not tracker.initialised and tracker.memory_size == 0 and tracker.last_box is None
    assert tracker.remember() is None
    with pytest.raises(TrackerError, match="call init first"):
        tracker.locate(frame())
    tracker.init(frame(), BOX)
    assert tracker.update(frame()).state is TargetState.TRACKING


@pytest.mark.parametrize(
    ("image", "box"),
    [
        (frame(), (0, 0, np.nan, 10)),
        (frame(), (500, 500, 10, 10)),
        (frame(), "box"),
        (frame()[:, :, 0], BOX),
        (np.zeros((0, 0, 3), np.uint8), BOX),
        (None, BOX),
    ],
)
def test_a_bad_start_keeps_the_target_it_had(tracker, image, box):
    tracker.locate(frame())
    with pytest.raises(InputError):
        tracker.init(image, box)
    assert tracker.initialised and tracker.memory_size == 1
    assert tracker.remember() is not None
    assert tracker.update(frame()).box == pytest.approx(BOX, abs=1)


def test_a_new_start_replaces_the_target_and_its_memory(tracker):
    for _ in range(3):
        tracker.update(frame(score=0))
    tracker.locate(frame())
    tracker.init(frame((20, 60, 20, 20)), (20, 60, 20, 20))
    assert tracker.memory_size == 1 and tracker.remember() is None
    result = tracker.update(frame((20, 60, 20, 20)))
    assert result.state is TargetState.TRACKING and result.lost_frames == 0


def test_a_start_over_the_rim_takes_the_part_inside(tracker):
    tracker.init(frame(), (-10, -10, 30, 30))
    assert tracker.last_box == (0, 0, 20, 20)


@pytest.mark.parametrize(
    "image",
    [None, frame().astype(float), frame()[0], np.zeros((120, 0, 3), np.uint8), frame()[:, :, :2]],
)
def test_a_bad_image_leaves_the_target_usable(tracker, image):
    tracker.locate(frame())
    with pytest.raises(InputError):
        tracker.locate(image)
    with pytest.raises(InputError):
        tracker.update(image)
    result = tracker.update(frame())
    assert result.state is TargetState.TRACKING and result.box == pytest.approx(BOX, abs=1)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("part", ["score", "boxes"])
def test_a_network_that_answers_nonsense_is_an_error_not_a_box(tracker, part, value):
    good, _ = tracker.engine.locate(frame()[20:84, 40:104], ())
    getattr(good, part)[..., 3, 3] = value
    tracker.engine.answer = good
    with pytest.raises(InputError, match="not finite"):
        tracker.locate(frame())
    tracker.engine.answer = None
    assert tracker.update(frame()).box == pytest.approx(BOX, abs=1)


def test_images_may_change_size_on_the_way(tracker):
    result = tracker.update(frame((30, 20, 20, 20), size=(50, 60)))
    x, y, w, h = result.box
    assert 0 <= x + w / 2 <= 60 and 0 <= y + h / 2 <= 50 and w <= 60 and h <= 50
    assert tracker.update(frame()).box is not None


def test_a_target_that_leaves_keeps_its_centre_in_the_image(tracker):
    tracker.init(frame((140, 40, 20, 20)), (140, 40, 20, 20))
    for shift in range(0, 24, 4):
        result = tracker.update(frame((140 + shift, 40, 20, 20)))
        x, _, w, _ = result.box
        assert x + w / 2 <= 160 and w >= 4


def test_the_window_of_a_full_image_target_is_searched():
    tracker = Tracker(RedEngine())
    full = (0, 0, 160, 120)
    tracker.init(frame(full), full)
    assert tracker.update(frame(full)).box == pytest.approx(full, abs=12)
    (_, query) = tracker.engine.log[1]
    side = round(4.0 * np.sqrt(160 * 120))
    window = Window(round(80 - side / 2), round(60 - side / 2), side, 64)
    assert np.array_equal(query, crop(frame(full), window))


@given(st.lists(st.tuples(*[st.integers(2, 300)] * 2, st.integers(0, 2**32)), max_size=12))
def test_any_finite_answer_to_any_image_keeps_the_tracker_usable(steps):
    tracker = Tracker(RedEngine())
    tracker.init(frame(), BOX)
    for height, width, seed in steps:
        rng = np.random.default_rng(seed)
        spread = 10.0 ** rng.uniform(0, 6)
        tracker.engine.answer = Prediction(
            rng.random((8, 8), np.float32),
            rng.normal(32, spread, (4, 8, 8)).astype(np.float32),
        )
        result = tracker.update(np.zeros((height, width, 3), np.uint8))
        x, y, w, h = tracker.last_box
        assert (result.box is None) == (result.state is TargetState.LOST)
        assert 0 <= result.score <= 1 and 0 < w <= max(width, 160) and 0 < h <= max(height, 160)
        if result.score >= CONFIG.lost_score:
            assert -1e-6 <= x + w / 2 <= width + 1e-6 and -1e-6 <= y + h / 2 <= height + 1e-6


@pytest.mark.parametrize(("blend", "learns"), [(0.0, True), (1.0, False)])
def test_a_frame_can_be_memorised_by_what_it_was_ranked_by(blend, learns):
    """At the rim of the cosine window a good score is ranked low."""
    config = replace(CONFIG, memory_blend=blend, window_influence=0.5, memory_score=0.7)
    tracker = Tracker(RedEngine(config))
    tracker.init(frame(), BOX)
    tracker.update(frame((84, 40, 20, 20)))
    assert (tracker.memory_size == 2) == learns


@pytest.mark.parametrize("side", [4.0, 10.0, 30.0])
def test_a_box_has_a_least_side(side):
    tracker = Tracker(RedEngine(replace(CONFIG, minimum_side=side)))
    tracker.init(frame(), BOX)
    box = tracker.update(frame((66, 46, 8, 8))).box
    assert min(box[2:]) == pytest.approx(max(side, 8), abs=1.5)


class MeasuringEngine(RedEngine):
    """Its response is highest where the square has the side that it was learned with."""

    responds = True

    def start(self, crop, box, views=()):
        self.views = views
        return super().start(crop, box)

    def locate(self, crop, state, other=None):
        prediction, state = super().locate(crop, state)
        seen = replace(prediction, response=self.answer_to(prediction))
        if other is not None:
            seen = replace(seen, other=self.answer_to(super().locate(other.crop, state)[0]))
        return seen, state

    def answer_to(self, prediction):
        left, _, right, _ = prediction.boxes[:, 0, 0]
        wanted = self.tracking.query_size / self.tracking.search_factor
        likeness = np.exp(-abs(np.log(max(right - left, 1) / wanted)))
        return prediction.score / prediction.score.max() * likeness


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


@pytest.mark.parametrize(("moved", "reused"), [(0, True), (6, True), (24, False)])
def test_a_query_with_the_target_in_its_middle_is_memorised_as_it_is(moved, reused):
    class Reusing(RedEngine):
        reuses = True

    engine = Reusing(replace(CONFIG, memory_size=CONFIG.query_size))
    tracker = Tracker(engine)
    tracker.init(frame(), BOX)
    tracker.update(frame((BOX[0] + moved, *BOX[1:])))
    _, query = engine.log[-2]
    step, crop, box, _ = engine.log[-1]
    assert step == "remember" and (crop is None) == reused
    red = np.argwhere((query if reused else crop)[:, :, 2] > 110)
    (top, left), (bottom, right) = red.min(0), red.max(0) + 1
    assert box == pytest.approx((left, top, right - left, bottom - top), abs=1.5)


FAST = replace(CONFIG, aside_score=0.35, motion=0.8, search_factor=2.6)
NOT_BESIDE = replace(FAST, aside_score=0.0)
JUMPED = (100, 40, 20, 20)  # beyond the window around BOX


@pytest.mark.parametrize(("config", "followed"), [(FAST, True), (NOT_BESIDE, False)])
def test_a_target_that_jumps_out_of_its_window_is_looked_for_beside_it(config, followed):
    tracker = Tracker(RedEngine(config))
    tracker.init(frame(), BOX)
    result = tracker.update(frame(JUMPED, score=1.0))
    if followed:
        assert result.box == pytest.approx(JUMPED, abs=1.5)
        assert result.state is TargetState.TRACKING and result.score == pytest.approx(1)
        window = window_around(tracker.last_box, FAST.memory_factor, CONFIG.memory_size)
        assert np.array_equal(tracker.engine.log[-1][1], crop(frame(JUMPED, score=1.0), window))
    else:
        assert result.box == BOX and result.state is TargetState.UNCERTAIN


def test_what_is_beside_the_window_must_look_like_the_target():
    tracker = Tracker(RedEngine(FAST))
    tracker.init(frame(), BOX)
    result = tracker.update(frame(JUMPED, score=0.9))
    assert result.box == BOX and result.state is TargetState.UNCERTAIN
    assert tracker.engine.steps[-1] == "locate"  # nothing was memorised


def test_what_is_farther_than_a_target_goes_in_a_frame_is_another():
    tracker = Tracker(RedEngine(FAST))
    tracker.init(frame(), BOX)
    far = (BOX[0] + 36, BOX[1] + 36, *BOX[2:])  # 2.5 of its sides
    result = tracker.update(frame(far, score=1.0))
    assert tracker.engine.steps.count("locate") == 5  # the windows beside it were looked at
    assert result.box == BOX and result.state is TargetState.UNCERTAIN


@pytest.mark.parametrize(("empty", "followed"), [(1, True), (2, False)])
def test_beside_its_window_a_target_is_looked_for_at_once_or_not_at_all(empty, followed):
    tracker = Tracker(RedEngine(FAST))
    tracker.init(frame(), BOX)
    for _ in range(empty):
        tracker.update(frame(score=0.0))
    result = tracker.update(frame(JUMPED, score=1.0))
    assert (result.box == pytest.approx(JUMPED, abs=1.5)) == followed


def test_a_window_beside_costs_nothing_while_the_target_is_seen():
    tracker = Tracker(RedEngine(FAST))
    tracker.init(frame(), BOX)
    tracker.update(frame((64, 42, 20, 20)))
    assert tracker.engine.steps == ["start", "locate", "remember"]


def test_the_window_goes_ahead_of_a_fast_target():
    tracker = Tracker(RedEngine(FAST))
    tracker.init(frame(), BOX)
    tracker.update(frame((80, 40, 20, 20)))
    ahead = (tracker.last_box[0] + 16, tracker.last_box[1], 20, 20)  # .8 of 20 pixels
    expected = window_around(ahead, FAST.search_factor, CONFIG.query_size)
    assert tracker.search(frame()).window.x == pytest.approx(expected.x, abs=2)
    tracker.lose()
    assert tracker.search(frame()).window == window_around(
        tracker.last_box, FAST.search_factor, CONFIG.query_size
    )


def test_whoever_says_that_it_is_lost_it_is_looked_for_in_its_whole_size(tracker):
    """Half behind something its box has shrunk."""
    tracker.update(frame())
    tracker.correct((60, 40, 10, 20))
    tracker.lose()
    assert tracker.last_box == pytest.approx((55, 40, 20, 20), abs=1.5)
    tracker.lose((30, 30, 10, 10))
    assert tracker.last_box == pytest.approx((25, 25, 20, 20), abs=1.5)


@pytest.mark.parametrize(("x", "learned"), [(60, True), (1, False)])
def test_what_leaves_the_picture_is_learned_only_by_its_response(x, learned):
    """A weak response, and a comparison with the first frame that is sure of the target."""
    tracker = Tracker(RedEngine())
    tracker.init(frame((x, 40, 20, 20)), (x, 40, 20, 20))
    score = np.zeros((8, 8), np.float32)
    score[3, 3] = 0.1
    response = np.where(score > 0, np.float32(0.33), np.float32(0))
    refined = Refined((30.0, 30.0, 20.0, 20.0), 0.999)
    tracker.engine.answer = Prediction(score, None, response, opinion=0.9, refined=refined)
    result = tracker.locate(frame((x, 40, 20, 20)))
    assert result.state is TargetState.TRACKING and result.score > 0.8
    assert tracker.pending is learned


@pytest.mark.parametrize("box", [
    (float("nan"),) * 4, (1, 2, float("inf"), 3), (5, 5, -3, 4), (5, 5, 0, 0), (1e6, 1e6, 5, 5),
    (1, 2, 3), "1,2,3,4", None, {60, 40, 20, 21},
])  # fmt: skip
def test_a_word_that_cannot_be_taken_changes_nothing(tracker, box):
    with pytest.raises(InputError, match="box"):
        tracker.correct(box)
    assert tracker.last_box == BOX
    assert tracker.update(frame()).state is TargetState.TRACKING


def test_a_huge_box_is_taken_for_the_picture(tracker):
    tracker.correct((-1e9, -1e9, 2e9 + 160, 2e9 + 120))
    assert tracker.last_box == (0, 0, 160, 120)


def test_a_target_is_lost_around_a_box_of_numbers(tracker):
    with pytest.raises(InputError, match="not finite"):
        tracker.lose((float("nan"),) * 4)
    assert tracker.update(frame()).state is TargetState.TRACKING
    tracker.lose(np.array((30.0, 30.0, 20.0, 20.0)))
    assert tracker.last_box == (30, 30, 20, 20)


def test_without_a_target_nobody_is_believed():
    tracker = Tracker(RedEngine())
    with pytest.raises(TrackerError, match="call init first"):
        tracker.correct(BOX)
    with pytest.raises(TrackerError, match="call init first"):
        tracker.lose()
