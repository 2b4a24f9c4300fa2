"""Decisions of the dynamic attention's gate: per sequence, against motion and occlusion."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ...core.errors import InputError
from ...core.gate import BRANCHES
from ..results import SequenceResult

DOMINANT = 0.95  # share of one branch from which on the gate decides nothing
MOTION = (0.02, 0.05, 0.1, 0.2)  # bounds of the bins, in target sizes a frame
GROWTH = (0.02, 0.05, 0.1)  # of the size, relative, a frame
NEARBY = 15  # frames
QUARTERS = ("lowest quarter", "second quarter", "third quarter", "highest quarter")


@dataclass(frozen=True)
class Decisions:
    """The M memorised frames of one sequence.

    frames: int [M]. branches: int [M], indices into BRANCHES. weights: float32 [M, 4].
    motion: float [M], how far the true centre moved since the frame before, in units of √(w·h);
    growth: float [M], |log| of the true size's change since the frame before; both NaN where a
    true box is missing. confidence: float [M], the tracker's score. absent: bool [M], the target
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
class BranchTable:
    """How often each branch was chosen under a condition.

    counts: int [rows, 4]. expected: float [rows, 4], what the counts would be if each sequence kept
    its own shares whatever the condition: only a difference from these tells of the condition.
    """

    title: str
    note: str
    rows: tuple[str, ...]
    counts: np.ndarray
    expected: np.ndarray

    @property
    def totals(self) -> np.ndarray:
        """Memorised frames of each row, int (rows,)."""
        return self.counts.sum(1)

    def shares(self, counts: np.ndarray) -> np.ndarray:
        """Counts or expected counts as shares of their row, float [rows, 4]; 0 without frames."""
        return counts / np.maximum(self.totals, 1)[:, None]


@dataclass(frozen=True)
class GateReport:
    """Tables of one tracker: ``sequences`` (its last row is of all), and ``conditions``."""

    tracker: str
    sequences: BranchTable
    conditions: tuple[BranchTable, ...]

    @property
    def dominant(self) -> str | None:
        """The branch that is chosen for more than DOMINANT of all memorised frames, if any."""
        total = self.sequences.counts[-1]
        return BRANCHES[int(total.argmax())] if total.max() > DOMINANT * total.sum() else None

    @property
    def constancy(self) -> float:
        """Share of frames that got the branch that their sequence got most often."""
        counts = self.sequences.counts[:-1]
        return float(counts.max(1).sum() / counts.sum())

    @property
    def verdict(self) -> str:
        """Is the gate alive, and does it follow the frame or the sequence?"""
        total = self.sequences.counts[-1]
        shares = zip(BRANCHES, total / total.sum(), strict=True)
        said = ", ".join(f"{branch} {share:.1%}" for branch, share in shares)
        if self.dominant:
            return f"one branch takes over ({self.dominant}): {said}; this gate decides nothing"
        said = f"no branch takes over: {said}; {self.constancy:.1%} of the frames got the branch "
        said += "that their sequence got most often"
        if self.constancy > DOMINANT:
            said += ": the choice follows the sequence, not the frame"
        return said

    def to_dict(self) -> dict:
        """As plain JSON types."""
        return {
            "tracker": self.tracker,
            "memorised": int(self.sequences.counts[-1].sum()),
            "dominant": self.dominant,
            "constancy": self.constancy,
            "verdict": self.verdict,
            "tables": [_plain(table) for table in (self.sequences, *self.conditions)],
        }


def _plain(table: BranchTable) -> dict:
    rows = {}
    for row, counts, expected in zip(table.rows, table.counts, table.expected, strict=True):
        rows[row] = {
            "counts": dict(zip(BRANCHES, counts.tolist(), strict=True)),
            "expected": dict(zip(BRANCHES, np.round(expected, 2).tolist(), strict=True)),
        }
    return {"title": table.title, "note": table.note, "rows": rows}


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
    counts = np.vstack((counts, counts.sum(0)))
    names = (*(one.sequence for one in found), "all")
    note = "memorised frames of each sequence"
    sequences = BranchTable("sequences", note, names, counts, counts.astype(float))
    return GateReport(tracker, sequences, tuple(_conditions(found)))


def _conditions(found: list[Decisions]) -> Iterator[BranchTable]:
    def bins(title: str, note: str, name: str, edges: tuple[float, ...] = ()) -> BranchTable:
        values = np.concatenate([getattr(one, name) for one in found])
        if edges:
            between = (f"{low:g} to {high:g}" for low, high in pairwise(edges))
            rows = (f"below {edges[0]:g}", *between, f"{edges[-1]:g} and more")
        else:
            edges, rows = np.quantile(values, (0.25, 0.5, 0.75)), QUARTERS
        group = np.where(np.isnan(values), -1, np.searchsorted(edges, values, "right"))
        return _table(title, note, rows, group, found)

    note = "the true centre's way since the frame before, in √(width·height)"
    yield bins("motion", note, "motion", MOTION)
    note = "of the true √(width·height) since the frame before, relative"
    yield bins("change of size", note, "growth", GROWTH)
    note = (
        "low where the target is occluded, blurred or changed: a stand-in for occlusion, no label"
    )
    yield bins("tracker's confidence", note, "confidence")
    absent = np.concatenate([one.absent for one in found])
    if absent.any():
        note = "the truth has no box: the target is occluded or out of view"
        rows = ("elsewhere", f"within {NEARBY} frames")
        yield _table("near an absence", note, rows, absent.astype(int), found)
    if any(one.occluded is not None for one in found):
        labels = [-1 if one.occluded is None else int(one.occluded) for one in found]
        group = np.repeat(labels, [len(one.frames) for one in found])
        note = "the set's attribute of the whole sequence, not of single frames"
        yield _table("occlusion", note, ("without", "with"), group, found)


def _table(
    title: str, note: str, rows: tuple[str, ...], group: np.ndarray, found: list[Decisions]
) -> BranchTable:
    """``group``: the row of each memorised frame of all sequences, -1 for none."""
    branches = np.concatenate([one.branches for one in found])
    own = [np.tile(_count(one.branches) / len(one.frames), (len(one.frames), 1)) for one in found]
    own = np.concatenate(own)
    members = [group == number for number in range(len(rows))]
    counts = np.array([_count(branches[mine]) for mine in members])
    expected = np.array([own[mine].sum(0) for mine in members])
    return BranchTable(title, note, rows, counts, expected)


def _count(branches: np.ndarray) -> np.ndarray:
    return np.bincount(branches, minlength=len(BRANCHES))
