"""What the gate of the dynamic attention decided: per sequence, against motion and occlusion."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tracker_ros.core.errors import InputError
from tracker_ros.core.gate import BRANCHES
from tracker_ros.evaluation.results import SequenceResult

DOMINANT = 0.95  # share of one branch from which on the gate decides nothing
MOTION = (0.02, 0.05, 0.1, 0.2)  # bounds of the bins, in target sizes a frame
GROWTH = (0.02, 0.05, 0.1)  # of the size, relative, a frame
CONFIDENCE = (0.5, 0.7, 0.85)
NEARBY = 15  # frames


@dataclass(frozen=True)
class Decisions:
    """The M memorised frames of one sequence.

    frames: int (M,). branches: int (M,), indices into BRANCHES. weights: float32 (M, 4).
    motion: float (M,), how far the true centre moved since the frame before, in units of √(w·h);
    growth: float (M,), |log| of the true size's change since the frame before; both NaN where a
    true box is missing. confidence: float (M,), the tracker's score. absent: bool (M,), the target
    is absent in the truth within NEARBY frames. occluded: whether the set says so of the sequence,
    None where it gives no attributes.
    """

    sequence: str
    frames: np.ndarray
    branches: np.ndarray
    weights: np.ndarray
    motion: np.ndarray
    growth: np.ndarray
    confidence: np.ndarray
    absent: np.ndarray
    occluded: bool | None


@dataclass(frozen=True)
class Table:
    """How often each branch was chosen under a condition: ``counts`` int (rows, 4)."""

    title: str
    note: str
    rows: tuple[str, ...]
    counts: np.ndarray

    @property
    def shares(self) -> np.ndarray:
        """float (rows, 4); NaN in a row without frames."""
        totals = self.counts.sum(1, keepdims=True)
        return np.divide(self.counts, totals, out=np.full(self.counts.shape, np.nan),
                         where=totals > 0)  # fmt: skip


@dataclass(frozen=True)
class GateReport:
    """Tables of one tracker: ``sequences`` (its last row is of all), and ``conditions``."""

    tracker: str
    sequences: Table
    conditions: tuple[Table, ...]

    @property
    def dominant(self) -> str | None:
        """The branch that is chosen for more than DOMINANT of all memorised frames, if any."""
        shares = self.sequences.shares[-1]
        return BRANCHES[int(shares.argmax())] if shares.max() > DOMINANT else None

    @property
    def verdict(self) -> str:
        """One sentence: is the gate alive?"""
        shares = self.sequences.shares[-1]
        said = ", ".join(f"{b} {s:.1%}" for b, s in zip(BRANCHES, shares, strict=True))
        if self.dominant:
            return f"one branch takes over ({self.dominant}): {said}; this gate decides nothing"
        return f"no branch takes over: {said}"

    def to_dict(self) -> dict:
        """As plain JSON types."""
        return {
            "tracker": self.tracker,
            "memorised": int(self.sequences.counts[-1].sum()),
            "dominant": self.dominant,
            "verdict": self.verdict,
            "tables": [
                {
                    "title": table.title,
                    "note": table.note,
                    "rows": {
                        row: dict(zip(BRANCHES, counts.tolist(), strict=True))
                        for row, counts in zip(table.rows, table.counts, strict=True)
                    },
                }
                for table in (self.sequences, *self.conditions)
            ],
        }


def decisions(result: SequenceResult) -> Decisions:
    """What was decided for each memorised frame.

    A result tells at each frame what the gate said of the frame memorised last, so a frame was
    memorised where the next frame's weights are new. Of the sequence's last frame nothing is known.
    """
    known = ~np.isnan(result.gates[1:]).any(1)
    frames = np.flatnonzero(known & (result.gates[1:] != result.gates[:-1]).any(1))
    x, y, w, h = result.truth.T
    side = np.sqrt(w * h)
    motion, growth = np.full((2, len(result)), np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        motion[1:] = np.hypot(np.diff(x + w / 2), np.diff(y + h / 2)) / side[:-1]
        growth[1:] = np.abs(np.diff(np.log(side)))
    missing = np.flatnonzero(np.isnan(result.truth).any(1))
    near = (np.abs(frames[:, None] - missing) <= NEARBY).any(1)
    return Decisions(
        result.sequence,
        frames,
        result.branches[frames + 1].astype(int),
        result.gates[frames + 1],
        motion[frames],
        growth[frames],
        result.scores[frames],
        near,
        _occluded(result.attributes),
    )


def _occluded(attributes: tuple[str, ...]) -> bool | None:
    """OTB's OCC, LaSOT's POC and FOC, or a name with "occlusion" in it."""
    if not attributes:
        return None
    return any(n.lower() in ("occ", "poc", "foc") or "occlu" in n.lower() for n in attributes)


def gate_report(tracker: str, results: Iterable[SequenceResult]) -> GateReport:
    """Count what a tracker's gate chose. Raises InputError if it made no decision."""
    found = [one for one in map(decisions, results) if len(one.frames)]
    if not found:
        raise InputError(f"the results of {tracker!r} hold no decisions of a gate")
    counts = np.array([_count(one.branches) for one in found])
    sequences = Table(
        "sequences",
        "memorised frames of each sequence",
        (*(one.sequence for one in found), "all"),
        np.vstack((counts, counts.sum(0))),
    )
    branches = np.concatenate([one.branches for one in found])

    def joined(name: str) -> np.ndarray:
        return np.concatenate([getattr(one, name) for one in found])

    conditions = [
        _binned("motion", "true centre's way since the frame before, in √(width·height)", MOTION,
                joined("motion"), branches),
        _binned("change of size", "of √(width·height) of the truth since the frame before,"
                " relative; turning and partial occlusion change it too",
                GROWTH, joined("growth"), branches),
        _binned("tracker's confidence", "low where the target is occluded, blurred or changed: a"
                " stand-in for occlusion, not a label", CONFIDENCE, joined("confidence"), branches),
        *_occlusion(found, branches, joined("absent")),
    ]  # fmt: skip
    return GateReport(tracker, sequences, tuple(conditions))


def _occlusion(found: list[Decisions], branches: np.ndarray, absent: np.ndarray) -> list[Table]:
    tables = []
    if absent.any():
        rows = ("elsewhere", f"within {NEARBY} frames")
        note = "the truth has no box: the target is occluded or out of view"
        tables.append(_table("near an absence", note, rows, absent.astype(int), branches))
    labels = [one.occluded for one in found]
    if any(label is not None for label in labels):
        group = np.repeat([-1 if label is None else int(label) for label in labels],
                          [len(one.frames) for one in found])  # fmt: skip
        note = "the set's attribute of the whole sequence, not of single frames"
        rows = ("without occlusion", "with occlusion")
        tables.append(_table("occlusion", note, rows, group, branches))
    return tables


def _binned(
    title: str, note: str, edges: tuple[float, ...], values: np.ndarray, branches: np.ndarray
) -> Table:
    between = (f"{low:g} to {high:g}" for low, high in pairwise(edges))
    names = (f"below {edges[0]:g}", *between, f"{edges[-1]:g} and more")
    group = np.where(np.isnan(values), -1, np.searchsorted(edges, values, "right"))
    return _table(title, note, names, group, branches)


def _table(
    title: str, note: str, rows: tuple[str, ...], group: np.ndarray, branches: np.ndarray
) -> Table:
    counts = np.array([_count(branches[group == number]) for number in range(len(rows))])
    return Table(title, note, rows, counts)


def _count(branches: np.ndarray) -> np.ndarray:
    return np.bincount(branches, minlength=len(BRANCHES))
