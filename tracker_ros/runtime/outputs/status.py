"""Diagnostic messages: one for every frame, and the node's own once a second."""

import math
from collections.abc import Iterable

from ...conversions.make import Make, ros_message
from ...conversions.stamps import seconds
from ...core.gate import BRANCHES
from ..answer import Answer
from .health import ERROR, OK, WARN, Check, one_line

LEVELS = {
    "NO_TARGET": OK,
    "TRACKING": OK,
    "UNCERTAIN": WARN,
    "LOST": WARN,
    "ERROR": ERROR,
    "DROPPED": WARN,
}


# diagnostic_updater would do this, but its Python part is not on PyPI.
def to_array(
    checks: Iterable[Check], header, node_name: str, hardware: str, make: Make = ros_message
):
    """diagnostic_msgs/DiagnosticArray of ``checks``, each named "node_name: check"."""
    array = make("diagnostic_msgs/msg/DiagnosticArray", header=header)
    for check in checks:
        values = [
            make("diagnostic_msgs/msg/KeyValue", key=key, value=str(value))
            for key, value in check.values.items()
        ]
        array.status.append(
            make(
                "diagnostic_msgs/msg/DiagnosticStatus",
                level=bytes([check.level]),
                name=one_line(f"{node_name}: {check.name}"),
                message=one_line(check.message),
                hardware_id=hardware,
                values=values,
            )
        )
    return array


def frame_check(
    answer: Answer,
    dropped: int,
    latency: float = math.nan,
    pipeline: float = math.nan,
    publishing: float = math.nan,
) -> Check:
    """What ~/status says about one frame, and about the target that started first.

    latency: milliseconds from the image's stamp to the publication of the box, by the node's clock.
    pipeline: milliseconds from the image's arrival to that publication. publishing: the part of it
    that publishing the box took. All are NaN for recordings.
    """
    result = answer.result
    inference = 0.0
    if result:  # without timings: a recorded frame, of which nothing depends on the clock
        inference = sum(result.timings.values()) if result.timings else math.nan
    values = _values(answer) | {
        "targets": len(answer.targets),
        "image_size": "" if answer.image is None else "{1}x{0}".format(*answer.image.shape),
        "levels": answer.levels,
        "inference_ms": _milliseconds(inference),
        "pipeline_ms": _milliseconds(pipeline),
        "publish_ms": _milliseconds(publishing),
        # Of a recording, whose stamps are of another day, this says nothing.
        "latency_ms": _milliseconds(latency if 0 <= latency < 60_000 else math.nan),
        "dropped_frames": dropped,
    }
    return Check("frame", LEVELS[answer.state], answer.problem or answer.state, values)


def target_checks(answer: Answer) -> list[Check]:
    """What ~/status says about each target."""
    return [
        Check(
            f"target {one.target.id}",
            LEVELS[one.state],
            one.problem or one.state,
            _values(one),
        )
        for one in answer.targets
    ]


def told(array) -> tuple[dict[str, str], list[dict[str, str]]] | None:
    """The values of the frame and of each target in a ~/status; None where it says nothing of them.

    As of a frame that was dropped, or whose image cannot be used: the targets are kept.
    """
    frame, *targets = [{pair.key: pair.value for pair in one.values} for one in array.status] or [
        {}
    ]
    known = frame.get("state") in LEVELS and (targets or frame["state"] == "NO_TARGET")
    return (frame, targets) if known else None


def _values(answer: Answer) -> dict[str, object]:
    """The values of ~/status about one target."""
    result, target = answer.result, answer.target
    gate = answer.latest_gate
    values: dict[str, object] = {
        "state": answer.state,
        "target_id": target.id if target else "",
        "class_id": target.class_id if target else "",
        "started": seconds(target.started) if target else "",
        "score": f"{answer.score:.4f}",
        "lost_frames": result.lost_frames if result else 0,
        "memory_size": answer.memory_size,
        "gate_branch": gate.branch if gate else "",
    }
    for i, name in enumerate(BRANCHES):
        values[f"gate_{name}"] = f"{gate.weights[i]:.4f}" if gate else ""
    return values


def _milliseconds(value: float) -> str:
    return "unknown" if math.isnan(value) else f"{value:.3f}"
