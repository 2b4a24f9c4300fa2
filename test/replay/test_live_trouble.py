"""Playing live where something goes wrong: one frame's trouble is no end, a lost start is."""

import json
import os
import subprocess
import sys

import pytest

from tracker_ros.core.errors import TrackerError
from tracker_ros.replay import session

from .conftest import image, picture, read, truth

COUNT, ODD = 12, (48, 64)  # frames; the size of those that do not fit

# A tracker node whose engine fails once it has been asked a few times.
FAILING = """
from tracker_ros.engines.watched import WatchedEngine
from tracker_ros.nodes import entry

match, asked = WatchedEngine.locate, []

def fail(*arguments):
    asked.append(arguments)
    if len(asked) > 3:
        raise RuntimeError("out of memory")
    return match(*arguments)

WatchedEngine.locate = fail
entry.tracker_node()
"""


@pytest.fixture
def play(model, environment, tmp_path):
    """Play a bag to the tracker node so that no frame gets lost: the next after the answer."""

    def run(path, **player):
        source = {"source": str(path), "image_transport": "raw", "mode": "acknowledged",
                  "acknowledge_timeout": 100.0, "publish_init": True, **player}  # fmt: skip
        return session.play(source, {"model": str(model)}, tmp_path / "live", tmp_path / "log")

    return run


@pytest.fixture
def sizes(write):
    """A bag whose images from ``first`` to before ``end`` are of another size."""

    def make(first, end):
        images = [image(i, ODD if first <= i < end else picture(i).shape[:2]) for i in range(COUNT)]
        return write({"/camera/image": images, "/truth": [truth(i) for i in range(COUNT)]})

    return make


def states(path, topic):
    _, messages = read(path)
    (found,) = (name for name in messages if name.endswith(f"{topic}/status"))
    each = [{v.key: v.value for v in m.status[0].values}["state"] for m in messages[found]]
    return each


@pytest.mark.parametrize("end", [6, 7, COUNT])
def test_images_of_another_size_are_played_as_they_are_replayed(sizes, play, evaluate, model, end):
    path = sizes(5, end)
    run = evaluate(path, "--model", model, peer=False)
    assert run.status == 0, run.err
    replayed = states(run.path("", tracker="tiny"), "tracker_node")
    assert replayed[5] == "ERROR"
    played = play(path)
    outputs = played.outputs()
    assert [outputs[i].state for i in range(COUNT)] == replayed
    assert (replayed[-1] == "NO_TARGET") == (end == COUNT)  # the third in a row drops the target
    assert all(outputs[i].box is None for i in range(5, end))


def test_live_numbers_are_there_beside_an_odd_image(sizes, evaluate, model, environment):
    run = evaluate(sizes(5, 6), "--model", model, "--live", peer=False)
    assert run.status == 0, run.err
    assert "the tracker node reports" not in run.err
    numbers = json.loads(run.path(".live.json", tracker="tiny").read_text())
    assert numbers["frames"] == COUNT


def test_a_start_that_fails_ends_playing(bag, play):
    with pytest.raises(TrackerError, match=r"the tracker node reports: .*outside"):
        play(bag(COUNT), publish_init=False, init_bbox="500,500,20,20")


def test_a_model_that_does_not_load_ends_playing(bag, environment, tmp_path):
    tracker = {"model": "absent.onnx"}
    source = {"source": str(bag(COUNT)), "image_transport": "raw", "publish_init": True}
    with pytest.raises(TrackerError, match=r"the tracker node reports: .*absent.onnx"):
        session.play(source, tracker, None, tmp_path / "log")


def test_an_engine_that_fails_ends_playing(bag, play, monkeypatch):
    command = session.node_command

    def failing(name, *arguments):
        words = command(name, *arguments)
        return [sys.executable, "-c", FAILING, *words[4:]] if name == "tracker_node" else words

    monkeypatch.setattr(session, "node_command", failing)
    words = "the tracker node reports: tracking failed and the target was dropped: .*out of memory"
    with pytest.raises(TrackerError, match=words):
        play(bag(COUNT))


C_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.parametrize("name, locale", [
    (b"b\xff" + "\u00fcg \U0001f3a5".encode(), {}), ("b\u00fcg".encode(), C_LOCALE),
])  # fmt: skip
def test_a_bag_of_any_name_is_played_live(bag, model, environment, tmp_path, name, locale):
    path = bag(COUNT, name=os.fsdecode(name))
    command = [sys.executable, "-m", "tracker_ros", "evaluate", path, "--model", model, "--live"]
    done = subprocess.run([*command, "--out", tmp_path / "out"], env=environment | locale,
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "stamp to box" in done.stdout


@pytest.mark.parametrize("variable, value", [
    ("RMW_IMPLEMENTATION", "rmw_nothing"), ("ROS_DOMAIN_ID", "999"), ("ROS_STATIC_PEERS", "@@@"),
])  # fmt: skip
def test_what_cannot_be_played_live_is_told_before_the_replay(
    bag, evaluate, model, environment, variable, value
):
    path = bag(COUNT)
    done = evaluate(path, "--model", model, peer=False)
    assert done.status == 0, done.err
    before = done.path(".npz", tracker="tiny").stat()
    environment[variable] = value
    run = evaluate(path, "--model", model, "--live", peer=False)
    assert (run.status, run.out) == (1, "")
    assert run.err.count("\n") == 1 and f"{variable}" in run.err and value in run.err
    after = done.path(".npz", tracker="tiny").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
