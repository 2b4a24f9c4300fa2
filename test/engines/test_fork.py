"""Several trackers of one process share a network."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tracker_ros import load_tracker


@pytest.mark.parametrize("engine", ["torch", "onnx"])
def test_two_targets_share_one_network_and_do_not_disturb_each_other(files, clip, engine):
    first = load_tracker(files.weights, engine=engine)
    second = first.fork()
    assert second.engine.runner is first.engine.runner
    frames, box = clip
    elsewhere = (90.0, 20.0, 30.0, 20.0)
    alone = []
    for start in (box, elsewhere):
        first.init(frames[0], start)
        alone.append([first.update(frame).box for frame in frames[1:]])
    assert not np.allclose(*alone)
    first.init(frames[0], box)
    assert not second.initialised
    second.init(frames[0], elsewhere)
    together = [(first.update(frame).box, second.update(frame).box) for frame in frames[1:]]
    assert together == list(zip(*alone, strict=True))
    first.reset()
    assert second.initialised


def test_two_threads_may_share_one_network(files, clip):
    frames, box = clip
    trackers = [load_tracker(files.graph("locate"), engine="onnx")]
    trackers.append(trackers[0].fork())

    def follow(tracker):
        tracker.init(frames[0], box)
        return [tracker.update(frame).box for frame in frames[1:]]

    with ThreadPoolExecutor(2) as threads:
        boxes, others = threads.map(follow, trackers)
    assert boxes == others == follow(trackers[0])
