"""Samples: what a seed decides, what boxes mean, and that the tracker sees what training showed."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker_ros.core.config import TrackingConfig
from tracker_ros.core.geometry.decode import Prediction
from tracker_ros.core.tracker import Tracker
from tracker_ros.training.data.clips import load_clips
from tracker_ros.training.samples.frame_choice import choose_frames
from tracker_ros.training.samples.sampling import Samples, SamplingConfig

TRACKING = TrackingConfig(query_size=96, memory_size=64)


def samples(shards, seed=0, **values):
    off = ("negative", "occluder", "distractor", "look_alike", "rotation", "low_light", "parts")
    config = {"weights": {"video": 1.0}, "paste_motion": 0.0} | dict.fromkeys(off, 0.0)
    return Samples(shards, TRACKING, SamplingConfig(**(config | values)), seed)


def overlap(box, other):
    (x, y, w, h), (u, v, s, t) = box, other
    both = max(min(x + w, u + s) - max(x, u), 0) * max(min(y + h, v + t) - max(y, v), 0)
    return both / (w * h + s * t - both)


def bright_part(crop):
    """Box of what is brighter than the middle between dark and bright, rim noise aside."""
    grey = cv2.medianBlur(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY), 5).astype(float)
    rows, columns = np.nonzero(grey > (grey.min() + grey.max()) / 2)
    low, high = np.percentile(columns, [2, 98]), np.percentile(rows, [2, 98])
    return low[0], high[0], low[1] - low[0] + 1, high[1] - high[0] + 1


def clipped(box, size):
    x, y, w, h = box
    left, top, right, bottom = max(x, 0), max(y, 0), min(x + w, size), min(y + h, size)
    return left, top, right - left, bottom - top


def test_shapes_and_types(shards):
    sample = samples(shards, memory_frames=3)[0]
    assert sample.memory.shape == (3, 64, 64, 3) and sample.queries.shape == (1, 96, 96, 3)
    assert sample.memory.dtype == sample.queries.dtype == np.uint8
    assert sample.memory_boxes.shape == (3, 4) and sample.query_boxes.shape == (1, 4)
    assert sample.memory_boxes.dtype == sample.query_boxes.dtype == np.float32
    assert sample.positive is True and sample.source == "video"


def test_seed_and_index_decide_everything(shards):
    every = {"davis": 1.0, "video": 1.0, "voc": 1.0, "paste": 1.0}
    values = {"weights": every, "negative": 0.3, "occluder": 0.5, "distractor": 0.5}
    first, again, other = (samples(shards, seed, **values) for seed in (5, 5, 6))
    order = [3, 0, 7, 100_000]
    drawn = {index: first[index] for index in order}
    for index in reversed(order):  # whatever was drawn before
        for one, same in zip(drawn[index], again[index], strict=True):
            assert np.array_equal(one, same)
        assert not np.array_equal(drawn[index].queries, other[index].queries)
    assert not np.array_equal(drawn[0].queries, drawn[3].queries)


@pytest.mark.parametrize("kind", ["davis", "video", "voc"])
def test_boxes_say_where_the_target_is(shards, kind):
    # Half of the samples are mirrored; still pictures are stretched.
    drawn = samples(shards, weights={kind: 1.0})
    query, memory = [], []
    for index in range(30):
        sample = drawn[index]
        query.append(overlap(bright_part(sample.queries[0]), clipped(sample.query_boxes[0], 96)))
        memory += [
            overlap(bright_part(crop), clipped(box, 64))
            for crop, box in zip(sample.memory, sample.memory_boxes, strict=True)
        ]
    # The memory's boxes are jittered on purpose, and blur smears the outline.
    assert np.median(query) > 0.85 and np.percentile(query, 10) > 0.6
    assert np.median(memory) > 0.8 and np.percentile(memory, 10) > 0.6


def test_a_part_is_found_where_its_box_says(shards):
    drawn = samples(shards, weights={"voc": 1.0}, parts=1.0, colour=0.0, degraded=0.0)
    sides, likeness = [], []
    for index in range(30):
        sample = drawn[index]
        parts = []
        for crop, box in ((sample.memory[0], sample.memory_boxes[0]),
                          (sample.queries[0], sample.query_boxes[0])):  # fmt: skip
            x, y, w, h = (int(value) for value in box)
            part = crop[max(y, 0) : y + h, max(x, 0) : x + w]
            parts.append(cv2.resize(part, (16, 16), interpolation=cv2.INTER_AREA).astype(float))
        sides.append(sample.query_boxes[0, 2:])
        likeness.append(np.corrcoef(parts[0].ravel(), parts[1].ravel())[0, 1])
    assert np.median(likeness) > 0.6  # boxes are jittered, and hang over the rim
    ratios = np.divide(*np.array(sides).T)
    assert ratios.max() / ratios.min() > 2  # parts have many shapes


def test_negatives_show_another_of_the_targets_class(shards):
    drawn = samples(shards, weights={"voc": 1.0}, negative=1.0, kin=1.0)
    labels = [drawn.clips["voc"][i].label for i in range(len(drawn.clips["voc"]))]
    twins = {label for label in labels if label and labels.count(label) > 1}
    rng = np.random.default_rng(0)
    for _ in range(20):
        first = drawn._draw(rng)
        if (label := first.clips[first.index].label) in twins:
            other = drawn._another(first, rng)
            assert other.index != first.index and other.clips[other.index].label == label


def test_pasted_targets_have_their_box_inside_the_picture(shards):
    drawn = samples(shards, weights={"davis": 0.0, "paste": 1.0})
    for index in range(20):
        sample = drawn[index]
        assert sample.source == "paste"
        x, y, w, h = sample.query_boxes[0]
        assert w > 6 and h > 6 and 0 <= x + w / 2 <= 96 and 0 <= y + h / 2 <= 96
        core = np.s_[
            max(int(y + h / 4), 0) : int(y + h * 3 / 4) + 1,
            max(int(x + w / 4), 0) : int(x + w * 3 / 4) + 1,
        ]
        inside = sample.queries[0][core].mean()
        assert inside > np.percentile(sample.queries[0].mean(2), 30) + 30


def test_targets_lie_anywhere_in_reach_of_the_query(shards):
    drawn = samples(shards)
    boxes = np.array([drawn[index].query_boxes[0] for index in range(60)])
    centres = boxes[:, :2] + boxes[:, 2:] / 2
    assert (centres > 0).all() and (centres < 96).all()
    assert np.ptp(centres, 0).min() > 96 / 4  # never a target that is always in the middle
    sizes = np.sqrt(boxes[:, 2:].prod(1)) * TRACKING.search_factor / 96
    assert sizes.min() < 0.85 and sizes.max() > 1.2


def test_negatives_show_another_target(shards):
    always, sometimes = samples(shards, negative=1.0), samples(shards, negative=0.3)
    every = [always[index] for index in range(10)]
    assert not any(sample.positive for sample in every)
    share = np.mean([sometimes[index].positive for index in range(100)])
    assert 0.5 < share < 0.9
    # The box of a negative is the other target's, in the query's own pixels.
    overlaps = [overlap(bright_part(s.queries[0]), clipped(s.query_boxes[0], 96)) for s in every]
    assert np.median(overlaps) > 0.8


def test_occluders_and_distractors_change_the_query_alone(shards):
    plain, busy = samples(shards), samples(shards, distractor=1.0, occluder=1.0)
    pairs = [(plain[index], busy[index]) for index in range(10)]
    # The draws before the query's are the same, so the memory is the same up to light and noise.
    assert all(np.array_equal(a.memory_boxes, b.memory_boxes) for a, b in pairs)
    assert all(np.array_equal(a.query_boxes, b.query_boxes) for a, b in pairs)
    assert np.mean([np.abs(a.queries.astype(int) - b.queries).mean() for a, b in pairs]) > 5


@given(
    st.lists(st.floats(0, 500, width=32), min_size=1, max_size=40, unique=True).map(sorted),
    st.integers(1, 4),
    st.floats(0.5, 600),
    st.booleans(),
    st.integers(0, 2**32),
)
def test_gap_bound(times, count, gap, causal, seed):
    times = np.array(times, np.float32)
    *memory, query = choose_frames(times, count, gap, causal, np.random.default_rng(seed))
    assert len(memory) == count
    assert np.abs(times[memory] - times[query]).max() <= gap * (1 + 1e-6)
    if causal:
        assert memory == sorted(memory) and max(memory) <= query
        reachable = np.flatnonzero((times < times[query]) & (times >= times[query] - gap))
        assert (max(memory) < query) == (len(reachable) > 0)


@given(
    st.lists(st.integers(0, 500), min_size=1, max_size=40, unique=True).map(sorted),
    st.integers(1, 4),
    st.booleans(),
    st.integers(0, 2**32),
)
def test_queries_follow_each_other_and_causal_memory_is_before_them(times, queries, causal, seed):
    times, rng = np.array(times, np.float32), np.random.default_rng(seed)
    chosen = choose_frames(times, 2, 100, causal, rng, queries)
    memory, following = chosen[:2], chosen[2:]
    last = len(times) - 1
    assert following == [min(following[0] + i, last) for i in range(queries)]
    if len(times) > queries:
        assert following[-1] == following[0] + queries - 1  # none is repeated
    if causal:
        assert max(memory) <= following[0]


@pytest.mark.parametrize("causal", [False, True])
def test_adjacent_memory_frames_follow_each_other(causal):
    times, rng = np.arange(0, 200, 2.0), np.random.default_rng(0)
    gaps = set()
    for _ in range(500):
        first, before, after, query = choose_frames(times, 3, 50, causal, rng, adjacent=True)
        gaps.add(after - before)
        assert after - before in (0, 1) and abs(times[query] - times[after]) <= 50
        assert not causal or first <= before <= after <= query
        assert after - before == 1 or not causal or after >= query - 1  # where there is no next
    assert 1 in gaps
    assert choose_frames(times[:1], 3, 50, causal, rng, adjacent=True) == [0, 0, 0, 0]


def test_several_queries_show_the_target_one_after_the_other(shards):
    sample = samples(shards, memory_frames=1, query_frames=3)[4]
    assert sample.memory.shape == (1, 64, 64, 3) and sample.queries.shape == (3, 96, 96, 3)
    for query, box in zip(sample.queries, sample.query_boxes, strict=True):
        assert overlap(bright_part(query), clipped(box, 96)) > 0.6


def test_every_frame_in_reach_is_chosen_sometimes():
    times, rng = np.arange(0, 20, 2.0), np.random.default_rng(0)
    seen = {(m, q) for _ in range(2000) for *ms, q in [choose_frames(times, 2, 4, False, rng)]
            for m in ms}  # fmt: skip
    assert seen == {(m, q) for m in range(10) for q in range(10) if abs(m - q) <= 2}


class Still:
    """A generator without chance: no jitter, no shift, and every coin falls on the far side."""

    def random(self):
        return 0.99

    def normal(self, mean, spread, size=None):
        return np.zeros(size) if size else 0.0

    uniform = normal


class Recorder:
    """An engine that keeps what it is shown."""

    tracking, facts, provider = TRACKING, {}, "test"
    responds = reuses = False

    def start(self, crop, box):
        self.memory, self.memory_box = crop.copy(), box
        return ()

    def locate(self, crop, state, other=None):
        self.query = crop.copy()
        return Prediction(np.zeros((12, 12), np.float32), np.zeros((4, 12, 12), np.float32)), state

    def gate(self, state):
        return None


@pytest.mark.parametrize("frame", range(8))
def test_training_and_tracking_cut_the_same_crops(shards, frame):
    view = load_clips(shards, "video")[1].view(frame)
    drawn, exact = samples(shards), (1.0, 1.0)
    memory, memory_box = drawn._memory_crop(view, Still(), exact, exact)
    one = drawn._draw(np.random.default_rng(0))
    query, query_box = drawn._query_crop(view, one, Still(), False, exact)

    tracker = Tracker(Recorder())
    tracker.init(view.image, view.box)
    tracker.locate(view.image)
    assert np.array_equal(tracker.engine.memory, memory)
    assert tracker.engine.memory_box == pytest.approx(memory_box, abs=1e-6)
    assert np.array_equal(tracker.engine.query, query)
    assert overlap(bright_part(query), clipped(query_box, 96)) > 0.9
