"""The tracking thread with the real tracker: catching up, failing engines, jumps in time."""

import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tracker_ros import load_tracker
from tracker_ros.conversions.images import bgr_to_image
from tracker_ros.conversions.stamps import ns_to_stamp
from tracker_ros.core.geometry.boxes import overlap
from tracker_ros.runtime.answer import Target
from tracker_ros.runtime.frame_slot import FrameSlot
from tracker_ros.runtime.requests import Detection, Proposal, Start
from tracker_ros.runtime.worker import Worker
from tracker_ros.sources.bag.typestore import bag_message as make

from .conftest import PATIENCE, STEP, Recorder, stamps


@pytest.fixture(scope="module")
def tracker():
    return load_tracker("dastm")


@pytest.fixture
def stage(tracker, scene):
    """A running worker, its sink, and a function that puts a frame into its slot."""
    slot, sink = FrameSlot(history=10.0, time_jump=0.5), Recorder()
    worker = Worker(tracker, slot, sink)

    def put(index: int, image=None):
        stamp = (index + 1) * STEP
        image = scene.frame(index % 40) if image is None else image
        header = make("std_msgs/msg/Header", stamp=ns_to_stamp(stamp, make), frame_id="camera")
        message = bgr_to_image(image, header, make)
        slot.put(message, stamp, len(message.data))

    worker.start()
    yield worker, sink, put, slot
    worker.stop()


def test_catching_up_takes_every_frame_in_order(stage, scene, catch_up):
    catch_up(math.inf)
    worker, sink, put, _ = stage
    worker.enabled = False
    for i in range(20):
        put(i)
    worker.enabled = True
    worker.request(Start(scene.box(4), 5 * STEP, "anna", "face"))
    sink.until(lambda: len(sink.answers) >= 16 and stamps(sink)[-1] == 20)
    assert stamps(sink)[-16:] == list(range(5, 21))
    first = sink.answers[-16]
    assert (first.box, first.state, first.score) == (scene.box(4), "TRACKING", 1.0)
    assert {(a.target.id, a.target.class_id) for a in sink.answers[-16:]} == {("anna", "face")}


def test_catching_up_leaves_out_what_there_is_no_time_for(stage, scene, catch_up):
    catch_up(0.0)
    worker, sink, put, _ = stage
    worker.enabled = False
    for i in range(20):
        put(i)
    worker.enabled = True
    worker.request(Start(scene.box(4), 5 * STEP))
    sink.until(lambda: len(sink.answers) and stamps(sink)[-1] == 20)
    # The first tells what one takes, and with the newest it is on time.
    assert stamps(sink)[-3:] == [5, 6, 20]


def test_catching_up_ends_though_frames_come_faster_than_they_are_tracked(stage, scene, catch_up):
    catch_up(math.inf)
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


def test_what_came_while_it_was_disabled_is_left_out_however_late_it_looks(tracker):
    slot = FrameSlot(history=10.0, time_jump=0.5)
    worker = Worker(tracker, slot, Recorder())  # whose thread is so late that it does not begin
    worker.enabled = False
    slot.put("unseen", STEP, 1)
    worker.enabled = True
    assert slot.wait(0) is None
    slot.put("seen", 2 * STEP, 1)
    assert slot.wait(0).message == "seen"


def test_what_was_asked_for_while_it_was_disabled_is_left_out(tracker, scene):
    """A detector goes on; and one that sets no stamps speaks of the newest frame."""
    slot, sink = FrameSlot(history=10.0, time_jump=0.5), Recorder()
    worker = Worker(tracker, slot, sink)
    found = (Detection(scene.box(0), "face"),)

    def put(stamp: int):
        header = make("std_msgs/msg/Header", stamp=ns_to_stamp(stamp, make))
        message = bgr_to_image(scene.frame(0), header, make)
        slot.put(message, stamp, len(message.data))

    worker.request(Start(scene.box(0), 9 * STEP))  # of a frame that is to come
    worker.enabled = False
    put(STEP)
    worker.request(Proposal(found))
    worker.turn()
    worker.enabled = True
    put(2 * STEP)
    worker.turn()
    assert [answer.target for answer in sink.answers] == [None]
    assert sink.problems == []
    worker.request(Proposal(found))
    worker.turn()
    assert sink.answers[-1].target


def test_without_a_target_each_picture_has_its_own_levels(tracker, scene):
    """A thermal camera's first picture may be of its shutter, which has few values."""
    slot, sink = FrameSlot(history=10.0, time_jump=0.5), Recorder()
    worker = Worker(tracker, slot, sink)
    heat = scene.frame(0).sum(2, dtype=np.uint16)
    for stamp, pixels in enumerate((heat % 4, heat + 7000), 1):
        message = bgr_to_image(scene.blank, make("std_msgs/msg/Header"), make)
        message.encoding, message.step = "mono16", 640
        message.data = pixels.astype("<u2").view(np.uint8).reshape(-1)
        slot.put(message, stamp * STEP, message.data.size)
        worker.turn()
    assert 50 < np.median(sink.answers[-1].image) < 200


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
    assert ("failure", sentence) in sink.problems
    assert (sink.answers[-1].state, sink.answers[-1].box) == ("ERROR", None)
    assert sink.answers[-1].problem == sentence
    put(2)
    sink.until(lambda: 3 in stamps(sink))
    assert sink.answers[-1].state == "NO_TARGET"
    worker.request(Start(scene.box(2)))
    sink.until(lambda: sink.answers[-1].target)


@pytest.fixture
def lost(stage, scene):
    """The stage, with a person that was lost, and the index of the next frame."""
    worker, sink, put, _ = stage
    put(0)
    worker.request(Start(scene.box(0), class_id="person"))
    sink.until(lambda: sink.answers and sink.answers[-1].target)
    for index in range(1, 60):
        put(index, image=scene.blank)
        sink.until(lambda: index + 1 in stamps(sink))  # noqa: B023
        if sink.answers[-1].state == "LOST":
            break
    assert sink.answers[-1].state == "LOST"
    return worker, sink, put, index + 1


def propose(lost, scene, *candidates):
    """What the frame after a proposal is answered; there the portrait is where it was first."""
    worker, sink, put, index = lost
    put(index, image=scene.frame(0))
    sink.until(lambda: index + 1 in stamps(sink))
    worker.request(Proposal(candidates, (index + 1) * STEP))
    while worker._requests:
        time.sleep(0.01)
    for later in (index + 1, index + 2):
        put(later, image=scene.blank if later > index + 1 else scene.frame(0))
        sink.until(lambda: later + 1 in stamps(sink))  # noqa: B023
    return [a for a in sink.answers if a.frame.stamp == (index + 1) * STEP]


FAR = (230.0, 160.0, 64.0, 72.0)  # there is only lawn


def test_lost_target_is_found_again_where_class_and_memory_agree(lost, scene):
    target = lost[1].answers[-1].target
    right = Detection(scene.box(0), "person")
    answers = propose(lost, scene, Detection(FAR, "person"), Detection(FAR, "cat"), right)
    assert (answers[-1].target, answers[-1].state) == (target, "TRACKING")
    assert overlap(answers[-1].box, scene.box(0)) > 0.5


@pytest.mark.parametrize("box, class_id", [
    ((110.0, 70.0, 64.0, 72.0), "cat"),  # the right place
    ((110.0, 70.0, 64.0, 72.0), ""),
    (FAR, "person"),
    (FAR, "cat"),
    ((-500.0, 0.0, 64.0, 72.0), "person"),
    ((110.0, 70.0, 1.0, 1.0), "person"),
])  # fmt: skip
def test_lost_target_is_not_taken_for_another_object(lost, scene, box, class_id):
    answers = propose(lost, scene, Detection(box, class_id))
    assert len(answers) == 1  # as it was answered before the proposal
    assert lost[1].answers[-1].target.class_id == "person"


def test_lost_target_without_class_is_found_again_by_its_memory_alone(lost, scene):
    (track,) = lost[0]._targets.tracks
    track.target = target = Target(track.target.id, "", 0)
    answers = propose(lost, scene, Detection(FAR, "person"), Detection(scene.box(0), "cat"))
    assert (answers[-1].target, answers[-1].state) == (target, "TRACKING")
    assert overlap(answers[-1].box, scene.box(0)) > 0.5


def test_automatic_start_takes_the_first_that_is_in_the_image(stage, scene):
    worker, sink, put, _ = stage
    put(0)
    outside = Detection((900.0, 900.0, 20.0, 20.0), "face")
    worker.request(Proposal((outside, Detection(scene.box(0), "face")), STEP))
    sink.until(lambda: sink.answers and sink.answers[-1].target)
    assert sink.answers[-1].box == scene.box(0)
    (problem,) = [text for subject, text in sink.problems if subject == "detections"]
    assert "outside" in problem


def test_automatic_start_does_not_disturb_a_target(stage, scene):
    worker, sink, put, _ = stage
    put(0)
    worker.request(Start(scene.box(0), id="anna"))
    sink.until(lambda: sink.answers and sink.answers[-1].target)
    worker.request(Proposal((Detection((5.0, 5.0, 30.0, 30.0), "face"),)))
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
