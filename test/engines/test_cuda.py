"""On a GPU: recorded steps answer as plain ones do, and as the CPU does."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tracker_ros import load_tracker
from tracker_ros.core.batch import update_all
from tracker_ros.core.engine import Query

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device")


@pytest.fixture
def exact(monkeypatch):
    """Without TensorFloat-32, whose ten bits would hide a mistake."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    monkeypatch.setattr(torch.backends.cuda.matmul, "allow_tf32", False)


def follow(tracker, clip):
    frames, box = clip
    tracker.init(frames[0], box)
    return np.array([tracker.update(frame).box for frame in frames[1:]])


def test_the_gpu_finds_what_the_cpu_finds(exact, files, clip):
    trackers = [
        load_tracker(files.weights, engine="torch", device=device) for device in ("cuda", "cpu")
    ]
    assert trackers[0].engine.provider == "torch cuda"
    ours, theirs = (follow(tracker, clip) for tracker in trackers)
    assert np.abs(ours - theirs).max() < 0.01


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_stays_near(files, clip, precision):
    half = load_tracker(files.weights, engine="torch", device="cuda", precision=precision)
    boxes = follow(half, clip)
    assert np.isfinite(boxes).all()
    assert np.abs(boxes[0] - follow(load_tracker(files.weights), clip)[0]).max() < 2


def test_recorded_steps_answer_as_plain_ones(exact, files, clip):
    tracker = load_tracker(files.weights, engine="torch", device="cuda")
    recorded = follow(tracker, clip)
    runner = tracker.engine.runner
    runner._calls = {name: step.module for name, step in runner._steps.items()}
    assert np.abs(recorded - follow(tracker, clip)).max() < 0.01


def test_a_batch_of_targets_is_seen_as_one_by_one(exact, files, clip):
    """Step by step: kernels for a batch round otherwise, which random weights soon amplify."""
    tracker = load_tracker(files.weights, engine="torch", device="cuda")
    frames, box = clip
    crowd = [tracker.fork() for _ in range(3)]
    starts = [box, (90.0, 20.0, 30.0, 20.0), (10.0, 80.0, 20.0, 28.0)]
    for frame in frames[1:5]:
        for one, start in zip(crowd, starts, strict=True):
            one.init(frames[0], start)
        queries = [Query(one.search(frame).crop, one.state) for one in crowd]
        together = tracker.engine.locate_all(queries)
        for query, (batched, _) in zip(queries, together, strict=True):
            alone, _ = tracker.engine.locate(*query)
            assert np.abs(alone.score - batched.score).max() < 1e-4
            assert np.abs(alone.boxes - batched.boxes).max() < 0.05
    assert all(result.box for result in update_all(crowd, [frames[1]] * 3))


def test_what_is_learned_online_answers_a_batch_as_one_by_one(exact, together_and_alone):
    tracker = load_tracker("dastm_nano", engine="torch", device="cuda")
    for ours, theirs in together_and_alone(tracker):
        np.testing.assert_allclose(ours.response, theirs.response, atol=1e-3)
        assert ours.change == pytest.approx(theirs.change, abs=1e-3)
        if ours.refined is not None:
            np.testing.assert_allclose(ours.other, theirs.other, atol=1e-3)
            assert ours.opinion == pytest.approx(theirs.opinion, abs=1e-3)
            assert ours.refined.box == pytest.approx(theirs.refined.box, abs=0.05)


def test_products_on_the_gpu_are_those_of_the_host(exact):
    runner = load_tracker("dastm_nano", engine="torch", device="cuda").engine.runner
    host = load_tracker("dastm_nano", engine="torch", device="cpu").engine.runner
    draw = np.random.default_rng(5)
    factors = [draw.normal(size=(64, 176)).astype(np.float32) for _ in range(3)]
    array = torch.from_numpy(draw.normal(size=(3, 176, 14, 14)).astype(np.float32))
    expected = host.products([host.array(one) for one in factors], array)
    found = runner.products([runner.array(one) for one in factors], array.cuda())
    np.testing.assert_allclose(found, expected, atol=1e-3)
    np.testing.assert_allclose(found[2, :, 3, 4], factors[2] @ array[2, :, 3, 4].numpy(), atol=1e-3)


def test_helpers_and_the_caller_share_one_network(exact, clip):
    """Of six targets three are lost, and found again in whichever thread has time."""
    tracker = load_tracker("dastm_nano", engine="torch", device="cuda")
    frames, box = clip
    boxes = []
    for shared in (True, False):
        if not shared:
            tracker.engine.runner._pool = None
        crowd = [tracker.fork() for _ in range(6)]
        for number, one in enumerate(crowd):
            one.init(frames[0], (box[0] + 12 * number, *box[1:]))
        for one in crowd[3:]:
            one.lose()
        for frame in frames[1:8]:
            update_all(crowd, [frame] * len(crowd))
        boxes.append([one.last_box for one in crowd])
    np.testing.assert_allclose(*boxes, atol=0.5)


def test_two_threads_may_share_one_network(files, clip):
    tracker = load_tracker(files.weights, engine="torch", device="cuda")
    with ThreadPoolExecutor(2) as threads:
        boxes, others = threads.map(lambda one: follow(one, clip), [tracker, tracker.fork()])
    assert np.array_equal(boxes, others)
