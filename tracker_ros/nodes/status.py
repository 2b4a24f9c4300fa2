"""Diagnostic messages: one for every frame, and the node's own once a second."""

from collections.abc import Iterable

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

from tracker_ros.core.gate import BRANCHES, Gate
from tracker_ros.nodes.health import ERROR, OK, WARN, Check
from tracker_ros.nodes.worker import Answer

LEVELS = {"NO_TARGET": OK, "TRACKING": OK, "UNCERTAIN": WARN, "LOST": WARN, "ERROR": ERROR}


# diagnostic_updater would do this, but its Python part is not on PyPI.
def to_array(checks: Iterable[Check], header, node_name: str, hardware: str) -> DiagnosticArray:
    """diagnostic_msgs/DiagnosticArray of `checks`, each named "node_name: check"."""
    array = DiagnosticArray(header=header)
    for check in checks:
        status = DiagnosticStatus(level=bytes([check.level]), message=check.message)
        status.name, status.hardware_id = f"{node_name}: {check.name}", hardware
        status.values = [KeyValue(key=k, value=str(v)) for k, v in check.values.items()]
        array.status.append(status)
    return array


def frame_check(answer: Answer, gate: Gate | None, memory_size: int, dropped: int,
                latency: float, pipeline: float) -> Check:  # fmt: skip
    """What ~/status says of one frame.

    latency: milliseconds from the image's stamp to the publication of the box, by the node's clock.
    pipeline: milliseconds from the image's arrival to the same.
    """
    result, target = answer.result, answer.target
    gate = gate or (result.gate if result else None)
    values = {
        "state": answer.state,
        "target_id": target.id if target else "",
        "class_id": target.class_id if target else "",
        "score": f"{answer.score:.4f}",
        "lost_frames": result.lost_frames if result else 0,
        "memory_size": memory_size,
        "inference_ms": f"{sum(result.timings.values()) if result else 0.0:.3f}",
        "pipeline_ms": f"{pipeline:.3f}",
        # Of a recording, whose stamps are of another day, this says nothing.
        "latency_ms": f"{latency:.3f}" if 0 <= latency < 60_000 else "unknown",
        "dropped_frames": dropped,
        "gate_branch": gate.branch if gate else "",
    }
    for i, name in enumerate(BRANCHES):
        values[f"gate_{name}"] = f"{gate.weights[i]:.4f}" if gate else ""
    return Check("target", LEVELS[answer.state], answer.state, values)
