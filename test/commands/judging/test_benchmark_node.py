"""The benchmark's way through the node: real processes over real DDS."""

import json
import os

import cv2
import pytest

from test.domains import own_domain
from tracker_ros.commands import main

pytest.importorskip("rclpy")


def test_through_the_node(sequence, tmp_path, capsys, monkeypatch):
    from tracker_ros.replay import rates as node

    monkeypatch.setattr(node, "RATES", ((None, 1), (None, 2)))
    for variable, value in own_domain().items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("ROS_LOG_DIR", str(tmp_path))
    for variable in ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE"):
        monkeypatch.setenv(variable, os.environ.get(variable, ""))  # the command sets them
    out, picture = tmp_path / "speed.json", tmp_path / "speed.png"
    arguments = ["benchmark", "--source", str(sequence(60)), "--parts", "node"]
    assert main([*arguments, "--json", str(out), "--plot", str(picture)]) == 0
    report = json.loads(out.read_text())
    assert list(report["node"]) == ["in turn", "in turn, 2 targets"]
    for row in report["node"].values():
        assert (row["images"], row["dropped"]) == (60, 0)  # every image is waited for
        assert row["fps"] > 0 and row["startup_s"] > 0
        for name in ("latency_ms", "publish_ms"):
            assert 0 < row[name]["p50"] <= row[name]["p99"]
        assert row["publish_ms"]["p50"] < row["latency_ms"]["p50"]
    assert cv2.imread(str(picture)) is not None
    assert "through the node" in capsys.readouterr().out
