"""Several trackers of one process share a network, and a forked process has it, too."""

import copy
import os
import subprocess
import sys
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
    assert second.last_box is None
    second.init(frames[0], elsewhere)
    together = [(first.update(frame).box, second.update(frame).box) for frame in frames[1:]]
    assert together == list(zip(*alone, strict=True))
    first.reset()
    assert first.last_box is None and second.last_box is not None


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


@pytest.mark.parametrize("engine", ["torch", "onnx"])
def test_a_forked_process_tracks_on(files, engine):
    """As by ``multiprocessing`` on Linux, where torch has several threads."""
    code = """
import os, sys
import numpy as np
from tracker_ros import load_tracker
tracker = load_tracker(sys.argv[1], engine=sys.argv[2])
image = np.random.default_rng(0).integers(0, 255, (240, 320, 3), np.uint8)
tracker.init(image, (100, 100, 40, 40))
child = os.fork()
if child:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
assert tracker.update(image).score is not None
os._exit(7)
"""
    command = [sys.executable, "-c", code, files.graph("locate"), engine]
    process = subprocess.run(command, env=os.environ | {"OMP_NUM_THREADS": "2"}, timeout=120)
    assert process.returncode == 7


def test_a_copy_goes_on_from_where_its_original_is(files, clip):
    frames, box = clip
    tracker = load_tracker(files.graph("locate"), engine="onnx")
    tracker.init(frames[0], box)
    alone = [tracker.update(frame).box for frame in frames[1:]]
    tracker.init(frames[0], box)
    tracker.update(frames[1])
    other = copy.copy(tracker)
    assert [other.update(frame).box for frame in frames[2:]] == alone[1:]
    assert [tracker.update(frame).box for frame in frames[2:]] == alone[1:]
