"""Decisions of the dynamic attention's gate: per sequence, against motion and occlusion."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ...core.errors import InputError
from ...core.gate import BRANCHES
from ..results import SequenceResult

DOMINANT = 0.95  # share of one branch from which on the gate decides nothing
MOTION = (0.02, 0.05, 0.1, 0.2)  # bounds of the bins, in target sizes a frame
GROWTH = (0.02, 0.05, 0.1)  # of the size, relative, a frame
NEARBY = 15  # frames
QUARTERS = ("lowest quarter", "second quarter", "third quarter", "highest quarter")


class Decisions(NamedTuple):
    """M memorised frames.

    frames: int [M], in their sequence. branches: int [M], indices into BRANCHES. own: float [M, 4],
    the shares of the branches in the frame's sequence.
    motion: float [M], how far the true centre moved since the frame before, in units of √(w·h);
    growth: float [M], |log| of the true size's change since the frame before; both NaN where a
    true box is missing. confidence: float [M], the tracker's score. absent: bool [M], the target
    is absent in the truth within NEARBY frames. occluded: int [M], whether the set says so of the
    sequence, -1 where it gives no attributes.
    """

    frames: np.ndarray
    branches: np.ndarray
    own: np.ndarray
    motion: np.ndarray
    growth: np.ndarray
    confidence: np.ndarray
    absent: np.ndarray
    occluded: np.ndarray


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
        """Memorised frames of each row, int [rows]."""
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
    """What was decided for each memorised frame of one sequence.

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
    branches = result.branches[frames + 1].astype(int)
    own = np.tile(_count(branches) / max(len(frames), 1), (len(frames), 1))
    occluded = np.full(len(frames), _occluded(result.attributes))
    moved = motion[frames], growth[frames], result.scores[frames]
    return Decisions(frames, branches, own, *moved, near, occluded)


def _occluded(attributes: tuple[str, ...]) -> int:
    """OTB's OCC, LaSOT's POC and FOC, or a name with "occlusion" in it; -1 without any name."""
    known = [name.lower() for name in attributes]
    said = any(name in ("occ", "poc", "foc") or "occlu" in name for name in known)
    return int(said) if known else -1


def gate_report(tracker: str, results: Iterable[SequenceResult]) -> GateReport:
    """Count what a tracker's gate chose. Raises InputError if it made no decision."""
    found = {result.sequence: decisions(result) for result in results}
    found = {name: one for name, one in found.items() if len(one.frames)}
    if not found:
        raise InputError(f"the results of {tracker!r} hold no decisions of a gate")
    together = Decisions(*map(np.concatenate, zip(*found.values(), strict=True)))
    counts = np.array([_count(one.branches) for one in (*found.values(), together)])
    note = "memorised frames of each sequence"
    sequences = BranchTable("sequences", note, (*found, "all"), counts, counts.astype(float))
    return GateReport(tracker, sequences, tuple(_conditions(together)))


def _conditions(found: Decisions) -> Iterator[BranchTable]:
    def bins(title: str, note: str, name: str, edges: tuple[float, ...] = ()) -> BranchTable:
        values = getattr(found, name)
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
    if found.absent.any():
        note = "the truth has no box: the target is occluded or out of view"
        rows = ("elsewhere", f"within {NEARBY} frames")
        yield _table("near an absence", note, rows, found.absent.astype(int), found)
    if (found.occluded >= 0).any():
        note = "the set's attribute of the whole sequence, not of single frames"
        yield _table("occlusion", note, ("without", "with"), found.occluded, found)


def _table(
    title: str, note: str, rows: tuple[str, ...], group: np.ndarray, found: Decisions
) -> BranchTable:
    """``group``: the row of each memorised frame, -1 for none."""
    members = [group == number for number in range(len(rows))]
    counts = np.array([_count(found.branches[mine]) for mine in members])
    expected = np.array([found.own[mine].sum(0) for mine in members])
    return BranchTable(title, note, rows, counts, expected)


def _count(branches: np.ndarray) -> np.ndarray:
    return np.bincount(branches, minlength=len(BRANCHES))
