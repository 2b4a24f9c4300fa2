"""Protocols of the benchmarks: the frames that count, and the measures taken of them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..core.errors import InputError
from ..core.gate import BRANCHES
from . import metrics
from .results import SequenceResult, speed, update_seconds


class CountedFrames(NamedTuple):
    """The M frames of a sequence that count.

    index: int [M], their rows in the result. overlap: float64 [M], IoU with the truth, -1 where
    the target is absent but the frame counts as a miss. error: float64 [M], pixels between the
    centres, and normalised: float64 [M], in the truth's sides; both inf where there is no
    distance.
    """

    index: np.ndarray
    overlap: np.ndarray
    error: np.ndarray
    normalised: np.ndarray


MEASURES = {
    "auc": lambda frames: metrics.success(frames.overlap).mean(),
    "precision": lambda frames: (frames.error <= metrics.PRECISION_PIXELS).mean(),
    "normalised_precision": lambda frames: (
        frames.normalised <= metrics.NORMALISED_PRECISION
    ).mean(),
    "ao": lambda frames: frames.overlap.mean(),
    "sr50": lambda frames: (frames.overlap > 0.5).mean(),
    "sr75": lambda frames: (frames.overlap > 0.75).mean(),
    "lsm": lambda frames: metrics.longest_tracked(frames.overlap),
}
TITLES = {
    "auc": "AUC",
    "precision": "P at 20 px",
    "normalised_precision": "P norm at .2",
    "ao": "AO",
    "sr50": "SR .5",
    "sr75": "SR .75",
    "lsm": "LSM",
}


@dataclass(frozen=True)
class Protocol:
    """title: a sentence for people. measures: keys of MEASURES, the headline first.

    absent_counts: a frame without target counts as a miss instead of leaving the score.
    clipped: boxes and truth are cut to the picture. pooled: the overall score is over the frames of
    all sequences, instead of the mean of the sequences' scores.
    """

    title: str
    measures: tuple[str, ...]
    absent_counts: bool = False
    clipped: bool = False
    pooled: bool = False

    def frames(self, result: SequenceResult) -> CountedFrames:
        """The frames that count. Raises InputError where there are none."""
        boxes, truth = result.boxes, result.truth
        if self.clipped:
            boxes, truth = (metrics.clip_boxes(side, result.size) for side in (boxes, truth))
        present = ~np.isnan(truth).any(1)
        index = np.flatnonzero(result.scored & (present | self.absent_counts))
        if not present[index].any():
            raise InputError(f"{result.sequence!r}: no frame has a true box to score against")
        boxes, truth = boxes[index], truth[index]
        overlap = np.where(present[index], metrics.iou(boxes, truth), -1.0)
        error = metrics.center_error(boxes, truth)
        normalised = metrics.normalised_error(boxes, truth)
        error, normalised = (
            np.nan_to_num(e, nan=np.inf, posinf=np.inf) for e in (error, normalised)
        )
        return CountedFrames(index, overlap, error, normalised)

    def score(self, result: SequenceResult) -> dict[str, float]:
        """The measures of one result. Raises as ``frames`` does."""
        return self._measure(self.frames(result)) if self.measures else {}

    def overall(self, results: Iterable[SequenceResult]) -> dict[str, float]:
        """The measures of a whole set. Raises as ``frames`` does."""
        results = list(results)
        if self.pooled:
            columns = zip(*map(self.frames, results), strict=True)
            return self._measure(CountedFrames(*map(np.concatenate, columns)))
        scores = list(map(self.score, results))
        return {name: float(np.mean([s[name] for s in scores])) for name in self.measures}

    def _measure(self, frames: CountedFrames) -> dict[str, float]:
        return {name: float(MEASURES[name](frames)) for name in self.measures}


PROTOCOLS = {
    "otb": Protocol(
        "OTB one-pass evaluation; frames without target do not count",
        ("auc", "precision"),
    ),
    "uav123": Protocol(
        "UAV123: OTB's measures; frames of NaN do not count (the authors' MATLAB code counts them:"
        " as misses in success, as hits in precision)",
        ("auc", "precision"),
    ),
    "tlp": Protocol(
        "TLP: OTB's measures and the longest subsequence of which 95 % is tracked;"
        " frames without target do not count",
        ("auc", "precision", "lsm"),
    ),
    "lasot": Protocol(
        "LaSOT one-pass evaluation: frames without target count as misses",
        ("auc", "precision", "normalised_precision"),
        absent_counts=True,
    ),
    "got10k": Protocol(
        "GOT-10k: all frames of all sequences but first and wholly covered ones,"
        " boxes cut to the picture",
        ("ao", "sr50", "sr75"),
        clipped=True,
        pooled=True,
    ),
    "server": Protocol("the truth is on the benchmark's server, which scores the submission", ()),
}


def summary(protocol: str, results: Iterable[SequenceResult]) -> dict:
    """The scores of one tracker as a JSON-ready dict.

    {each measure: over all sequences, "fps": all frames after the first over all time,
    "per_sequence": {name: {each measure, "fps", "seconds", "frames", "absent", "lost": counts of
    frames, "branches": how often each gate branch was in force}}}. Raises InputError without
    results.
    """
    results = list(results)
    if not results:
        raise InputError("there are no results to score")
    rules = PROTOCOLS[protocol]
    return {
        **rules.overall(results),
        "fps": speed(results),
        "per_sequence": {result.sequence: _row(rules, result) for result in results},
    }


def _row(rules: Protocol, result: SequenceResult) -> dict:
    branches = Counter(BRANCHES[i] for i in result.branches if i >= 0)
    return {
        **rules.score(result),
        "fps": speed([result]),
        "seconds": float(update_seconds([result]).sum()),
        "frames": len(result),
        "absent": int(np.isnan(result.truth).any(1).sum()),
        "lost": int(result.lost.sum()),
        "branches": dict(branches),
    }
