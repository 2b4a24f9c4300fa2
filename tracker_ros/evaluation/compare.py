"""The difference between two trackers' results on the same sequences, and how sure it is."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tracker_ros.core.errors import InputError
from tracker_ros.evaluation.protocols import PROTOCOLS, Protocol
from tracker_ros.evaluation.results import (
    FILE,
    Evaluation,
    SequenceResult,
    load_evaluation,
    load_results,
)

RESAMPLES, SEED = 10_000, 0
CONFIDENCE = 0.95
# With fewer, even sequences that all differ to the same side happen by chance in over 5 % of cases.
FEWEST = 6


@dataclass(frozen=True)
class Side:
    """One tracker of an evaluation's folder."""

    folder: Path
    tracker: str
    evaluation: Evaluation

    @property
    def label(self) -> str:
        return str(self.folder / self.tracker)

    @property
    def about(self) -> dict:
        """Its settings and facts."""
        return self.evaluation.trackers[self.tracker]

    def results(self) -> dict[str, SequenceResult]:
        return {result.sequence: result for result in load_results(self.folder, self.tracker)}


@dataclass(frozen=True)
class Comparison:
    """Scores of A and B on S sequences by M measures.

    measures: M names. sequences: S names. scores_a, scores_b: float64 (S, M).
    overall_a, overall_b: float64 (M,), over these sequences. low, high: float64 (M,), the interval
    of the overall difference B - A; NaN with fewer than FEWEST sequences.
    only_a, only_b: sequences that the other lacks.
    """

    a: Side
    b: Side
    measures: tuple[str, ...]
    sequences: list[str]
    scores_a: np.ndarray
    scores_b: np.ndarray
    overall_a: np.ndarray
    overall_b: np.ndarray
    low: np.ndarray
    high: np.ndarray
    only_a: list[str]
    only_b: list[str]

    def verdict(self, i: int) -> str:
        """What measure `i` shows, in a few words."""
        if np.isnan(self.low[i]):
            return f"fewer than {FEWEST} sequences: no interval"
        if self.low[i] > 0:
            return "B is better"
        if self.high[i] < 0:
            return "A is better"
        return "no difference shown: the interval holds 0"


def pair(a: Path, b: Path) -> list[tuple[Side, Side]]:
    """What to compare of two evaluation folders, or FOLDER/TRACKER.

    The only tracker of each, or else those of the same name. Raises SourceError for what is no
    evaluation, InputError where there is nothing to pair.
    """
    left, right = _sides(a), _sides(b)
    if len(left) == len(right) == 1:
        return [(*left.values(), *right.values())]
    pairs = [(left[name], right[name]) for name in left if name in right]
    if not pairs:
        raise InputError(
            f"{a} ({', '.join(left)}) and {b} ({', '.join(right)}) have no tracker of the same"
            " name: name one of each, as FOLDER/TRACKER"
        )
    return pairs


def _sides(path: Path) -> dict[str, Side]:
    folder, names = path, None
    if not (path / FILE).is_file() and (path.parent / FILE).is_file():
        folder, names = path.parent, [path.name]
    evaluation = load_evaluation(folder)
    if names and names[0] not in evaluation.trackers:
        has = ", ".join(evaluation.trackers)
        raise InputError(f"{folder} holds no results of {names[0]!r}; it has {has}")
    return {name: Side(folder, name, evaluation) for name in names or evaluation.trackers}


def compare(a: Side, b: Side) -> Comparison:
    """Compare on the sequences that both have. Raises InputError where that makes no sense."""
    protocols = a.evaluation.protocol, b.evaluation.protocol
    if protocols[0] != protocols[1]:
        raise InputError(f"{a.label} was scored by {protocols[0]!r}, {b.label} by {protocols[1]!r}")
    if protocols[0] not in PROTOCOLS:  # VOT's: EAO and A with resets are no means over sequences
        raise InputError(f"{a.label} was scored by {protocols[0]!r}, which cannot be compared")
    protocol = PROTOCOLS[protocols[0]]
    if not protocol.measures:
        raise InputError(f"{a.label} has no scores: {protocol.title}")
    left, right = a.results(), b.results()
    sequences = [name for name in left if name in right]
    if not sequences:
        raise InputError(f"{a.label} and {b.label} have no sequence in common")
    for name in sequences:
        if not np.array_equal(left[name].truth, right[name].truth, equal_nan=True):
            raise InputError(f"{a.label} and {b.label} have different truth for {name!r}")
    ours, theirs = [left[name] for name in sequences], [right[name] for name in sequences]
    scores_a, scores_b = _scores(protocol, ours), _scores(protocol, theirs)
    weights = np.array([len(protocol.frames(r).index) if protocol.pooled else 1 for r in ours])
    low, high = bootstrap(scores_b - scores_a, weights)
    return Comparison(
        a, b, protocol.measures, sequences, scores_a, scores_b,
        np.array(list(protocol.overall(ours).values())),
        np.array(list(protocol.overall(theirs).values())),
        low, high,
        [name for name in left if name not in right],
        [name for name in right if name not in left],
    )  # fmt: skip


def _scores(protocol: Protocol, results: list[SequenceResult]) -> np.ndarray:
    return np.array([list(protocol.score(result).values()) for result in results])


def bootstrap(differences: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Percentile interval of the weighted mean over sequences, by drawing sequences anew.

    differences: float (S, M). weights: (S,), what each sequence counts. Returns two arrays (M,),
    of NaN where S < FEWEST. The same input gives the same interval. Efron and Tibshirani, "An
    Introduction to the Bootstrap" (1993), chapter 13.
    """
    count, measures = differences.shape
    if count < FEWEST:
        return np.full(measures, np.nan), np.full(measures, np.nan)
    # How often each sequence is drawn, instead of which: (RESAMPLES, S) small numbers.
    drawn = np.random.default_rng(SEED).multinomial(count, np.full(count, 1 / count), RESAMPLES)
    drawn = drawn * weights
    means = drawn @ differences / drawn.sum(1, keepdims=True)
    low, high = np.quantile(means, ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2), axis=0)
    return low, high
