"""The live mode: its numbers by hand, and a real session of player, tracker and recorder."""

import json
from dataclasses import replace

import numpy as np
import pytest

from tracker_ros.conversions.stamps import stamp_to_ns
from tracker_ros.evaluation.results import SequenceResult
from tracker_ros.replay.live import compare
from tracker_ros.replay.session import play
from tracker_ros.replay.summary import Output

from .conftest import read

HERE, HALF = (10.0, 10.0, 20.0, 20.0), (10.0, 10.0, 20.0, 10.0)
COUNT = 4
REPLAYED = SequenceResult(
    sequence="a",
    boxes=np.array([HERE] * COUNT),
    truth=np.array([HERE] * COUNT),
    scores=np.ones(COUNT),
    seconds=np.ones(COUNT),
    lost=np.array([False, False, False, True]),
    gates=np.full((COUNT, 4), np.nan, np.float32),
    branches=np.full(COUNT, -1, np.int8),
    scored=np.ones(COUNT, bool),
    size=(64, 48),
)


def output(box, latency=10.0):
    return Output(0, box, 0.9, "TRACKING" if box else "LOST", None, latency)


def test_numbers_of_a_live_session():
    numbers = compare({0: output(HERE, 30.0), 1: output(HALF), 3: output(None)}, REPLAYED)
    assert (numbers["frames"], numbers["dropped"]) == (4, 1)
    assert numbers["latency_p50_ms"] == 10
    assert 29 < numbers["latency_p99_ms"] < 30
    assert numbers["overlap"] == pytest.approx((1 + 0.5 + 0.5) / 3)
    # IoU 1 counts at 20 of 21 thresholds, .5 at 10 and no box at none; frame 3 has frame 2's box.
    assert numbers["auc"] == pytest.approx((20 + 10 + 10) / 21 / 4)
    assert numbers["auc_replay"] == pytest.approx(3 * 20 / 21 / 4)
    assert numbers["auc_loss"] == pytest.approx(numbers["auc_replay"] - numbers["auc"])


def test_numbers_without_truth():
    blind = replace(REPLAYED, truth=np.full((COUNT, 4), np.nan))
    numbers = compare({0: output(HERE)}, blind)
    assert numbers["dropped"] == 3 and "auc" not in numbers


def test_the_replay_writes_what_the_node_publishes(bag, model, evaluate, environment, tmp_path):
    path = bag(12)
    run = evaluate(path, "--model", model, peer=False)
    assert run.status == 0, run.err
    # So that no frame gets lost: the next one only after the answer.
    player = {"source": str(path), "image_transport": "raw", "publish_init": True,
              "mode": "acknowledged", "acknowledge_timeout": 100.0}  # fmt: skip
    play(player, {"model": str(model)}, tmp_path / "live", tmp_path / "log")
    _, replayed = read(run.path("", tracker="tiny"))
    _, live = read(tmp_path / "live")
    for name, simplify in (("detections", boxes), ("status", timeless)):
        (topic,) = (topic for topic in live if topic.endswith(f"/tracker_node/{name}"))
        expected = [simplify(message) for message in replayed[f"/tracker_node/{name}"]]
        # The box to start on may come after its image, which is then answered twice.
        last = {stamp_to_ns(message.header.stamp): message for message in live[topic]}
        assert [simplify(message) for message in last.values()] == expected
        assert len(expected) == 12


def boxes(message):
    return [(d.id, d.results[0].hypothesis, d.bbox) for d in message.detections]


def timeless(message):
    """Level, message and values of the frame's check, but for times."""
    check, *_ = message.status  # of the frame; then one for each target
    timeless = [v for v in check.values if v.key != "started" and not v.key.endswith("_ms")]
    return check.level, check.message, check.hardware_id, [(v.key, v.value) for v in timeless]


def test_a_bag_is_played_live(bag, model, evaluate, environment):
    run = evaluate(bag(20), "--model", model, "--live", peer=False)
    assert run.status == 0, run.err
    assert "stamp to box" in run.out
    path = run.path("", tracker="tiny")
    numbers = json.loads(path.with_name(path.name + ".live.json").read_text())
    assert numbers["frames"] == 20
    assert 0 <= numbers["dropped"] < 20
    assert 0 < numbers["latency_p50_ms"] <= numbers["latency_p99_ms"]
    assert numbers["auc_loss"] == pytest.approx(numbers["auc_replay"] - numbers["auc"])
    assert numbers["provider"].startswith("torch cpu")

    _, replayed = read(path)
    _, live = read(path.with_name(path.name + ".live"))
    (topic,) = (name for name in live if name.endswith("/tracker_node/status"))
    keys = [item.key for item in replayed["/tracker_node/status"][0].status[0].values]
    for message in live[topic]:
        assert [item.key for item in message.status[0].values] == keys
    (images,) = (name for name in live if name.endswith("/image"))
    assert len(live[images]) == 20
