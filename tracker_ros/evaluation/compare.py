"""The difference between two trackers' results on the same sequences, and how sure it is."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..core.errors import InputError, SourceError
from .protocols import PROTOCOLS, TITLES
from .results import FILE, Evaluation, load_evaluation, load_results, result_path
from .vot.supervised import SupervisedRun

RESAMPLES, SEED = 10_000, 0
CONFIDENCE = 0.95
# With fewer, even sequences that all differ to the same side happen by chance in over 5 % of cases.
FEWEST = 6
# EAO is not here: it is of all fragments together, not a mean of sequences.
VOT_TITLES = {"accuracy": "A", "robustness": "R (failures per 100 frames, less is better)"}


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


class Scored(NamedTuple):
    """A side's scores on a sequence, what it weighs among the sequences, and what they are by."""

    scores: list[float]
    weight: float
    judge: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Scores of A and B on S sequences by M measures.

    titles: of the measures. signs: [M], 1, or -1 where less is better. sequences: S names.
    scores_a, scores_b: float64 [S, M].
    overall_a, overall_b: float64 [M], over these sequences. low, high: float64 [M], the interval
    of the overall difference B - A; NaN with fewer than FEWEST sequences.
    only_a, only_b: sequences that the other lacks.
    """

    a: Side
    b: Side
    titles: list[str]
    signs: np.ndarray
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
        """What measure ``i`` shows, in a few words."""
        if np.isnan(self.low[i]):
            return f"fewer than {FEWEST} sequences: no interval"
        if self.low[i] <= 0 <= self.high[i]:
            return "no difference shown: the interval holds 0"
        return "B is better" if self.signs[i] * self.low[i] > 0 else "A is better"


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
    """Compare on the sequences that both have.

    Raises InputError where that makes no sense, SourceError for scores that cannot be read.
    """
    protocol, other = a.evaluation.protocol, b.evaluation.protocol
    if protocol != other:
        raise InputError(f"{a.label} was scored by {protocol!r}, {b.label} by {other!r}")
    titles = VOT_TITLES
    if protocol != "vot":
        if protocol not in PROTOCOLS:
            raise SourceError(f"{a.label} has the protocol {protocol!r}, which is unknown")
        titles = {measure: TITLES[measure] for measure in PROTOCOLS[protocol].measures}
    if not titles:
        raise InputError(f"{a.label} has no scores: {PROTOCOLS[protocol].title}")
    left, right = _scored(a), _scored(b)
    sequences = [name for name in left if name in right]
    if not sequences:
        raise InputError(f"{a.label} and {b.label} have no sequence in common")
    for name in sequences:
        if not np.array_equal(left[name].judge, right[name].judge, equal_nan=True):
            raise InputError(f"{a.label} and {b.label} have different truth for {name!r}")
    scores_a, scores_b = (
        np.array([side[name].scores for name in sequences]) for side in (left, right)
    )
    weights = np.array([left[name].weight for name in sequences])
    low, high = bootstrap(scores_b - scores_a, weights)
    return Comparison(
        a=a,
        b=b,
        titles=list(titles.values()),
        signs=np.array([-1 if measure == "robustness" else 1 for measure in titles]),
        sequences=sequences,
        scores_a=scores_a,
        scores_b=scores_b,
        overall_a=np.average(scores_a, axis=0, weights=weights),
        overall_b=np.average(scores_b, axis=0, weights=weights),
        low=low,
        high=high,
        only_a=[name for name in left if name not in right],
        only_b=[name for name in right if name not in left],
    )


def _scored(side: Side) -> dict[str, Scored]:
    if side.evaluation.protocol == "vot":
        return _vot_scored(side)
    protocol = PROTOCOLS[side.evaluation.protocol]
    return {
        result.sequence: Scored(
            list(protocol.score(result).values()),
            len(protocol.frames(result).index) if protocol.pooled else 1,
            result.judge,
        )
        for result in load_results(side.folder, side.tracker)
    }


def _vot_scored(side: Side) -> dict[str, Scored]:
    """What the report has written; overall, VOT's A and R weigh sequences by their lengths."""
    path = side.folder / "results.json"
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["trackers"][side.tracker][
            "per_sequence"
        ]
        scores = {n: ([row[m] for m in VOT_TITLES], row["frames"]) for n, row in rows.items()}
    except (OSError, ValueError, LookupError, TypeError):
        raise SourceError(f"{path} has no finished scores of {side.tracker!r}") from None
    first = {n: result_path(side.folder, side.tracker, f"{n}_001") for n in scores}
    return {n: Scored(*scores[n], SupervisedRun.load(first[n]).truth) for n in scores}


def bootstrap(differences: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Percentile interval of the weighted mean over sequences, by drawing sequences anew.

    differences: float [S, M]. weights: [S], what each sequence counts. Returns two arrays [M],
    of NaN where S < FEWEST. The same input gives the same interval. Efron and Tibshirani, "An
    Introduction to the Bootstrap" (1993), chapter 13.
    """
    count, measures = differences.shape
    if count < FEWEST:
        return np.full(measures, np.nan), np.full(measures, np.nan)
    # How often each sequence is drawn, instead of which: [RESAMPLES, S] small numbers.
    drawn = np.random.default_rng(SEED).multinomial(count, np.full(count, 1 / count), RESAMPLES)
    drawn = drawn * weights
    means = drawn @ differences / drawn.sum(1, keepdims=True)
    low, high = np.quantile(means, ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2), axis=0)
    return low, high
