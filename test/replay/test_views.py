"""rviz's and Foxglove's files: of what the node publishes, and all that is to be seen."""

import json
import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import yaml

from test.bags import header
from tracker_ros.core.gate import BRANCHES, Gate
from tracker_ros.core.io.paths import share_dir
from tracker_ros.core.state import TargetState
from tracker_ros.core.tracker import Result
from tracker_ros.replay.deterministic import LatestAnswer
from tracker_ros.replay.outputs import LAYOUT
from tracker_ros.runtime.answer import Answer, Target
from tracker_ros.runtime.outputs import messages, status

CONFIG = share_dir() / "config"
PUBLISHED = {"/tracker_node/status": messages.STATUS, "/tracker_node/markers": messages.MARKER}


def answer(box=(1.0, 2.0, 30.0, 40.0)):
    gate = Gate((0.1, 0.2, 0.3, 0.4), "cbam")
    state = TargetState.TRACKING if box else TargetState.LOST
    result = Result(box, 0.75, state, 0, gate, {"crop": 1.0, "locate": 2.0})
    frame = SimpleNamespace(message=SimpleNamespace(header=header(0)))
    image = np.zeros((48, 64, 3), np.uint8)
    return Answer(frame, image, Target("7", "cup", 0), result, box, state.name, 0.75)


def status_keys():
    return list(status.frame_check(answer(), 0).values)


def test_of_a_replayed_frame_all_is_told_that_is_known_after_memorising():
    sink = LatestAnswer(SimpleNamespace(last_box=None, stop=lambda: 0.0), print)
    sink.publish(answer())
    sink.finish(replace(answer(), gate=Gate((0.7, 0.1, 0.1, 0.1), "skip"), memory_size=2))
    told = sink.step(None).answer
    for check in (status.frame_check(told, 0), *status.target_checks(told)):
        assert (check.values["memory_size"], check.values["gate_branch"]) == (2, "skip")


def strings(node):
    if isinstance(node, dict):
        node = node.values()
    if isinstance(node, str):
        yield node
    elif hasattr(node, "__iter__"):
        for item in node:
            yield from strings(item)


def test_foxglove_shows_image_box_gate_score_state_and_identity():
    layout = json.loads((CONFIG / LAYOUT).read_text())
    panels = layout["configById"]
    assert set(re.findall(r'"(\w+!\w+)"', json.dumps(layout["layout"]))) == set(panels)
    image = panels["Image!camera"]["imageMode"]
    assert image["imageTopic"] == "/image"
    assert set(image["annotations"]) <= set(PUBLISHED)
    shown = set()
    for text in strings(panels):
        if text.startswith("/tracker_node/status"):
            path = r'/tracker_node/status\.status\[0\]\.values\[:\]\{key=="(\w+)"\}\.value'
            shown.add(re.fullmatch(path, text)[1])
    assert shown <= set(status_keys())
    assert shown >= {"state", "target_id", "score", *(f"gate_{name}" for name in BRANCHES)}


def test_rviz_shows_the_nodes_picture_and_the_camera():
    config = yaml.safe_load((CONFIG / "tracker.rviz").read_text())
    displays = config["Visualization Manager"]["Displays"]
    shown = {d["Topic"]["Value"]: d["Class"] for d in displays if d["Enabled"]}
    image = "rviz_default_plugins/Image"
    assert shown == {
        "image": image,
        "tracker_node/debug_image": image,
        "follow_node/markers": "rviz_default_plugins/MarkerArray",
    }
