"""One-pass evaluation: a tracker starts on the first true box and sees every frame once.

The protocol scores a box on every frame. While a tracker calls its target lost it publishes none
(`Result.box` is None); what is scored then is `tracker.last_box`, its internal estimate.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tracker_ros.evaluation import metrics
from tracker_ros.evaluation.sequences import Sequence, find_sequences


@dataclass(frozen=True)
class Run:
    """What a tracker did on one sequence of N frames; row 0 is the initialisation.

    boxes: float64 (N, 4), x y w h in pixels. scores: float64 (N,) in [0, 1].
    seconds: float64 (N,), wall-clock time of the tracker alone, without decoding pictures.
    lost: bool (N,), frames without a published box.
    gates: per frame the Gate of the latest memorised frame, or None.
    """

    boxes: np.ndarray
    scores: np.ndarray
    seconds: np.ndarray
    lost: np.ndarray
    gates: list


def run_sequence(tracker, sequence: Sequence, on_frame: Callable[[], None] | None = None) -> Run:
    """Run `tracker` (a fresh one, or one whose `init` forgets the past) over `sequence`."""
    count = len(sequence)
    boxes = np.empty((count, 4))
    scores, seconds, lost = np.ones(count), np.empty(count), np.zeros(count, bool)
    gates = [None] * count
    for i, image in enumerate(sequence.images()):
        start = time.perf_counter()
        if i == 0:
            tracker.init(image, tuple(map(float, sequence.truth[0])))
            seconds[i] = time.perf_counter() - start
            boxes[i] = sequence.truth[0]
        else:
            result = tracker.update(image)
            seconds[i] = time.perf_counter() - start
            boxes[i] = tracker.last_box
            scores[i], lost[i], gates[i] = result.score, result.box is None, result.gate
        if on_frame is not None:
            on_frame()
    return Run(boxes, scores, seconds, lost, gates)


def score(run: Run, sequence: Sequence) -> dict:
    """The measures of one run as a JSON-ready dict.

    auc, precision: see `metrics`; frame 1 counts. fps: frames after the first per second.
    frames, absent, lost: counts of frames. branches: how often each gate branch was in force.
    """
    updates = run.seconds[1:].sum()
    return {
        "auc": metrics.success_auc(run.boxes, sequence.truth),
        "precision": metrics.precision(run.boxes, sequence.truth),
        "fps": float((len(sequence) - 1) / updates) if updates > 0 else None,
        "seconds": float(updates),
        "frames": len(sequence),
        "absent": int(np.isnan(sequence.truth).any(1).sum()),
        "lost": int(run.lost.sum()),
        "branches": dict(Counter(gate.branch for gate in run.gates if gate is not None)),
    }


def evaluate(
    make_tracker: Callable[[], object],
    sequences: Iterable[Sequence],
    on_frame: Callable[[], None] | None = None,
) -> dict:
    """One-pass evaluation with a new tracker for each sequence.

    Returns {"auc", "precision": means over sequences, "fps": all frames over all time,
    "per_sequence": {name: `score`}}; on_frame is called after each frame, for progress.
    """
    per_sequence = {s.name: score(run_sequence(make_tracker(), s, on_frame), s) for s in sequences}
    rows = per_sequence.values()
    seconds = sum(row["seconds"] for row in rows)
    return {
        "auc": float(np.mean([row["auc"] for row in rows])),
        "precision": float(np.mean([row["precision"] for row in rows])),
        "fps": sum(row["frames"] - 1 for row in rows) / seconds if seconds > 0 else None,
        "per_sequence": per_sequence,
    }


def evaluate_folder(make_tracker: Callable[[], object], folder: str | Path) -> dict:
    """`evaluate` on the OTB sequence or sequences in `folder`. Raises SourceError."""
    return evaluate(make_tracker, find_sequences(folder))
