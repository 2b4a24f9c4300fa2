"""What /diagnostics says: problems that fade or last, the gate window, status values."""

import math
from types import SimpleNamespace

import pytest

from tracker_ros.core.gate import Gate
from tracker_ros.runtime.outputs import health
from tracker_ros.runtime.outputs.health import OK, Check, GateWindow, Problems


@pytest.fixture
def clock(monkeypatch):
    now = SimpleNamespace(value=100.0)
    monkeypatch.setattr(health.time, "monotonic", lambda: now.value)
    return now


def test_problem_is_told_once_and_again_after_a_while(clock):
    problems = Problems()
    assert problems.report("image", "too dark")
    assert not problems.report("image", "too dark")
    clock.value += health.REPEAT_SECONDS
    assert problems.report("image", "too dark")
    assert problems.counts["image"] == 3


def test_flood_of_different_problems_is_told_at_a_bearable_rate(clock):
    problems = Problems()
    told = 0
    for i in range(100):
        told += problems.report("image", f"number {i}")
        clock.value += health.TELL_SECONDS / 10
    assert told == 10
    assert problems.report("init", "another subject")


def test_problem_with_a_frame_fades_and_one_with_the_model_lasts(clock):
    problems = Problems()
    problems.report("image", "too dark")
    problems.report("model", "absent")
    assert problems.present("jump", "image") == "too dark"
    clock.value += health.PROBLEM_SECONDS + 0.1
    assert problems.present("image") is None
    assert problems.present("image", "model") == "absent"
    problems.report("init", "outside")
    problems.fade("model", "init", "inits")
    assert problems.present("model") is None
    assert problems.present("init") == "outside"
    problems.report("model", "absent")
    problems.solve("model")
    assert problems.present("model") is None
    problems.forget()
    assert problems.present("init") is None and problems.counts["init"] == 1


def test_gate_window(monkeypatch):
    monkeypatch.setattr(health, "GATE_WINDOW", 3)
    window = GateWindow()
    assert window.check().values == {"frames": 0}
    window.add(Gate((0.0, 0.0, 0.0, 1.0), "cbam"))  # the one that falls out
    window.add(Gate((1.0, 0.0, 0.0, 0.0), "skip"))
    window.add(Gate((0.25, 0.25, 0.25, 0.25), "se"))
    window.add(Gate((0.0, 0.0, 0.5, 0.5), "cbam"))
    values = {key: float(value) for key, value in window.check().values.items()}
    assert values["frames"] == 3
    assert values["entropy_bits"] == pytest.approx((0 + 2 + 1) / 3, abs=1e-4)
    assert values["high_computation_share"] == pytest.approx(1 / 3, abs=1e-4)
    means = [values[f"mean_{name}"] for name in ("skip", "se", "ca", "cbam")]
    assert means == pytest.approx([1.25 / 3, 0.25 / 3, 0.75 / 3, 0.75 / 3], abs=1e-4)


def test_checks_become_a_diagnostic_array():
    pytest.importorskip("std_msgs")
    from std_msgs.msg import Header

    from tracker_ros.runtime.outputs.status import to_array

    header = Header(frame_id="left")
    array = to_array(
        [Check("input", 2, "dark", {"n": 1, "x": None})], header, "a/tracker", "/image"
    )
    (status,) = array.status
    assert (status.level, status.name, status.message) == (b"\x02", "a/tracker: input", "dark")
    assert status.hardware_id == "/image"
    assert [(item.key, item.value) for item in status.values] == [("n", "1"), ("x", "None")]
    assert array.header == header


@pytest.mark.parametrize("latency, text", [
    (12.3456, "12.346"), (-1.0, "unknown"), (1e12, "unknown"), (math.nan, "unknown"),
])  # fmt: skip
def test_latency_of_a_recording_is_unknown(latency, text):
    from tracker_ros.runtime.answer import Answer
    from tracker_ros.runtime.outputs.status import frame_check

    check = frame_check(Answer(None, None), 0, latency, 1.0)
    assert (check.level, check.message) == (OK, "NO_TARGET")
    assert check.values["latency_ms"] == text
