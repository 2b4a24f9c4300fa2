"""Summary of a session: numbers, lines of a table, and a plain sentence."""

from dataclasses import dataclass

import numpy as np

from ..core.gate import Gate
from ..core.geometry.boxes import ABSENT, Box, iou
from ..evaluation.metrics import failures, percentiles, success_auc


@dataclass(frozen=True)
class Output:
    """What the tracker node published about one frame.

    stamp_ns: the image's, the wall-clock time of its publishing. latency_ms: from then until the
    box was here. box: (x, y, w, h) in pixels, None while lost. gate: None before the first frame
    was memorised.
    """

    stamp_ns: int
    box: Box | None
    score: float
    state: str
    gate: Gate | None
    latency_ms: float


def overlaps(frames: int, outputs: dict[int, Output], truth: dict[int, Box]) -> np.ndarray:
    """IoU with the truth for each frame, shape [frames]; NaN where the target is hidden.

    A dropped frame is scored with the box before it, which is what a subscriber then has (VOT's
    real-time protocol). A frame answered without a box scores 0.
    """
    predicted, true = boxes_had(frames, outputs), _truth(frames, truth)
    return np.where(np.isnan(true).any(axis=1), np.nan, iou(predicted, true))


def losses(
    frames: int, outputs: dict[int, Output], truth: dict[int, Box] | None
) -> list[tuple[int, int | None]]:
    """First frame of every loss and the frame where the target was found again (None: never).

    With truth, lost means ``metrics.failures`` of the answers, hidden frames left out; without
    truth, that the tracker says so.
    """
    if truth is None:
        index = sorted(outputs)
        runs = failures(np.array([outputs[i].box is None for i in index]), least=1)
    else:
        overlap = overlaps(frames, outputs, truth)
        index = [i for i in sorted(outputs) if not np.isnan(overlap[i])]
        runs = failures(overlap[index] == 0)
    return [(index[start], index[end] if end < len(index) else None) for start, end in runs]


def summarise(
    frames: int, outputs: dict[int, Output], truth: dict[int, Box] | None
) -> dict[str, object]:
    """The session's numbers by name, for a JSON file; overlap only where there is truth.

    A dropped frame is one that was published and got no output, wherever on the way it was lost.
    """
    ordered = [outputs[index] for index in sorted(outputs)]
    seconds = (ordered[-1].stamp_ns - ordered[0].stamp_ns) / 1e9
    latency = percentiles([output.latency_ms for output in ordered])
    lost = losses(frames, outputs, truth)
    numbers: dict[str, object] = {"frames": frames}
    if truth is not None:
        hidden = np.isnan(_truth(frames, truth)).any(axis=1)
        numbers["mean_overlap"] = float(np.nanmean(overlaps(frames, outputs, truth)))
        numbers["success_auc"] = success_auc(boxes_had(frames, outputs), _truth(frames, truth))
        numbers["hidden_frames"] = int(hidden.sum())
        numbers["boxes_while_hidden"] = sum(
            bool(hidden[index]) and output.box is not None for index, output in outputs.items()
        )
    numbers["times_lost"] = len(lost)
    numbers["times_recovered"] = sum(again is not None for _, again in lost)
    numbers["lost_for_good_at_frame"] = lost[-1][0] if lost and lost[-1][1] is None else None
    numbers["frames_per_second"] = (len(ordered) - 1) / seconds if seconds > 0 else None
    numbers["latency_p50_ms"], numbers["latency_p99_ms"] = latency["p50"], latency["p99"]
    numbers["dropped_frames"] = frames - len(ordered)
    return numbers


def rows(numbers: dict[str, object]) -> list[tuple[str, str]]:
    """The numbers as lines for people."""
    lines = [("frames", f"{numbers['frames']}")]
    if "mean_overlap" in numbers:
        lines += [
            ("mean overlap", f"{numbers['mean_overlap']:.3f}"),
            ("success AUC", f"{numbers['success_auc']:.3f}"),
        ]
    if numbers.get("hidden_frames"):
        boxes = f"{numbers['boxes_while_hidden']} of {numbers['hidden_frames']}"
        lines.append(("boxes while the target is hidden", boxes))
    rate = numbers["frames_per_second"]
    return [
        *lines,
        ("lost / recovered", f"{numbers['times_lost']} / {numbers['times_recovered']}"),
        ("frames/s", "-" if rate is None else f"{rate:.1f}"),
        (
            "image stamp to box, ms, p50 / p99",
            f"{numbers['latency_p50_ms']:.1f} / {numbers['latency_p99_ms']:.1f}",
        ),
        ("dropped frames", f"{numbers['dropped_frames']}"),
    ]


def verdict(numbers: dict[str, object]) -> str | None:
    """A sentence where the target was lost for good, else None."""
    frame = numbers["lost_for_good_at_frame"]
    if frame is None:
        return None
    return f"The tracker lost the target at frame {frame} and did not find it again."


def boxes_had(frames: int, outputs: dict[int, Output]) -> np.ndarray:
    """The box that a subscriber has at each frame: float64 [frames, 4], NaN where there is none.

    For a dropped frame that is the box before it.
    """
    boxes, box = [], ABSENT
    for index in range(frames):
        if index in outputs:
            box = outputs[index].box or ABSENT
        boxes.append(box)
    return np.array(boxes, float)


def _truth(frames: int, truth: dict[int, Box]) -> np.ndarray:
    return np.array([truth.get(index, ABSENT) for index in range(frames)])
