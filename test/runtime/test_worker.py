"""The tracking thread with the real tracker: catching up, failing engines, jumps in time."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tracker_ros import load_tracker
from tracker_ros.conversions import ns_to_stamp
from tracker_ros.runtime.frame_slot import FrameSlot
from tracker_ros.runtime.worker import Start, Worker

PATIENCE = 60.0
STEP = 33_000_000  # ns


@pytest.fixture(scope="module")
def tracker():
    return load_tracker("dastm")


class Recorder:
    """A sink that keeps what it gets."""

    def __init__(self):
        self.answers = []
        self.problems = []
        self._news = threading.Condition()
        self.on_publish = lambda answer: None

    def publish(self, answer):
        self.on_publish(answer)

    def finish(self, answer, gate, memory_size):
        with self._news:
            self.answers.append(answer)
            self._news.notify_all()

    def report(self, subject, problem):
        with self._news:
            self.problems.append((subject, problem))
            self._news.notify_all()

    def until(self, condition):
        with self._news:
            assert self._news.wait_for(condition, PATIENCE)


@pytest.fixture
def stage(tracker, scene):
    """A running worker, its sink, and a function that puts a frame into its slot."""
    from std_msgs.msg import Header

    from tracker_ros.conversions import bgr_to_image

    slot, sink = FrameSlot(history=10.0, time_jump=0.5), Recorder()
    worker = Worker(tracker, slot, sink)

    def put(index: int, stamp: int | None = None):
        stamp = (index + 1) * STEP if stamp is None else stamp
        message = bgr_to_image(scene.frame(index % 40), Header(stamp=ns_to_stamp(stamp)))
        slot.put(message, stamp, len(message.data))

    worker.start()
    yield worker, sink, put, slot
    worker.stop()


def stamps(sink) -> list[int]:
    return [answer.frame.stamp // STEP for answer in sink.answers]


def test_catching_up_takes_every_frame_in_order(stage, scene):
    worker, sink, put, _ = stage
    worker.enabled = False
    for i in range(20):
        put(i)
    worker.enabled = True
    worker.request(Start(scene.box(4), 5 * STEP, "anna", "face"))
    sink.until(lambda: 20 in stamps(sink))
    assert stamps(sink)[-16:] == list(range(5, 21))
    first = sink.answers[-16]
    assert (first.box, first.state, first.score) == (scene.box(4), "TRACKING", 1.0)
    assert {(a.target.id, a.target.class_id) for a in sink.answers[-16:]} == {("anna", "face")}


def test_catching_up_ends_though_frames_come_faster_than_they_are_tracked(stage, scene):
    worker, sink, put, slot = stage
    worker.enabled = False
    for i in range(16):
        put(i)
    total = 16

    def camera(answer):
        nonlocal total
        if answer.target and total < 400:
            for _ in range(3):
                put(total)
                total += 1

    sink.on_publish = camera
    worker.enabled = True
    worker.request(Start(scene.box(0), STEP))
    sink.until(lambda: 400 in stamps(sink))
    found = stamps(sink)
    found = found[found.index(1) :]
    assert found == sorted(set(found))
    assert found[:16] == list(range(1, 17))
    # After 1 + 15 frames of the past 48 are new, of which it takes 7; after those it is on time.
    assert len(found) < 16 + 7 + 3 + 1 + 400 / 3 + 2
    assert slot.dropped > 200


def test_failing_engine_drops_the_target_and_later_frames_go_on(stage, scene, monkeypatch):
    worker, sink, put, _ = stage
    put(0)
    worker.request(Start(scene.box(0)))
    sink.until(lambda: sink.answers and sink.answers[-1].target)

    def fail(*_):
        raise RuntimeError("out of memory\nat 0x7f")

    with monkeypatch.context() as patch:
        patch.setattr(worker._tracker.engine, "locate", fail, raising=False)
        put(1)
        sink.until(lambda: 2 in stamps(sink))
    sentence = "tracking failed and the target was dropped: RuntimeError: out of memory"
    assert ("tracking", sentence) in sink.problems
    assert (sink.answers[-1].state, sink.answers[-1].box) == ("ERROR", None)
    put(2)
    sink.until(lambda: 3 in stamps(sink))
    assert sink.answers[-1].state == "NO_TARGET"
    worker.request(Start(scene.box(2)))
    sink.until(lambda: sink.answers[-1].target)


def test_automatic_start_does_not_disturb_a_target(stage, scene):
    worker, sink, put, _ = stage
    put(0)
    worker.request(Start(scene.box(0), id="anna"))
    sink.until(lambda: sink.answers and sink.answers[-1].target)
    worker.request(Start((5.0, 5.0, 30.0, 30.0), automatic=True))
    put(1)
    sink.until(lambda: 2 in stamps(sink))
    assert sink.answers[-1].target.id == "anna"


def test_reset_is_final(stage, scene):
    worker, sink, put, _ = stage
    assert not worker.reset()
    put(0)
    worker.request(Start(scene.box(0)))
    sink.until(lambda: sink.answers and sink.answers[-1].target)
    assert worker.reset()
    count = len(sink.answers)
    put(1)
    sink.until(lambda: len(sink.answers) > count)
    assert sink.answers[-1].target is None


def test_nothing_that_the_executor_calls_waits_for_the_network(stage, scene, monkeypatch):
    worker, sink, put, slot = stage
    put(0)
    worker.request(Start(scene.box(0)))
    sink.until(lambda: sink.answers and sink.answers[-1].target)
    inside, go_on = threading.Event(), threading.Event()
    locate = worker._tracker.engine.locate

    def wait(*arguments):
        inside.set()
        assert go_on.wait(PATIENCE)
        return locate(*arguments)

    monkeypatch.setattr(worker._tracker.engine, "locate", wait, raising=False)
    put(1)
    assert inside.wait(PATIENCE)
    with ThreadPoolExecutor(1) as executor:
        executor.submit(put, 2).result(PATIENCE / 2)
        executor.submit(worker.request, Start(scene.box(1), 3 * STEP)).result(PATIENCE / 2)
        assert executor.submit(worker.reset).result(PATIENCE / 2)
    assert slot.received == 3 and 2 not in stamps(sink)
    go_on.set()
    sink.until(lambda: 3 in stamps(sink))
    # Neither the target that was reset during the second frame nor the start that was asked before.
    assert [(answer.target, answer.box) for answer in sink.answers[-2:]] == [(None, None)] * 2


def test_the_tracker_sees_the_pixels_of_the_message_without_a_copy(stage, scene):
    worker, sink, put, _ = stage
    put(0)
    worker.request(Start(scene.box(0)))
    sink.until(lambda: sink.answers and sink.answers[-1].target)
    put(1)
    sink.until(lambda: 2 in stamps(sink))
    for answer in sink.answers:
        assert np.shares_memory(answer.image, np.frombuffer(answer.frame.message.data, np.uint8))
