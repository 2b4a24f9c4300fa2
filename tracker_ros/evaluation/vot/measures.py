"""Accuracy, robustness and expected average overlap (EAO) of supervised runs."""

from collections.abc import Iterable

import numpy as np

from .supervised import FAILED, STARTED, TRACKED, SupervisedRun

BURN_IN = 10  # frames from each start on, the start counted, that accuracy leaves out
EAO_LENGTHS = (100, 356)  # VOT2018's interval of typical lengths, both ends counted


def counted(run: SupervisedRun) -> np.ndarray:
    """The frames that accuracy is the mean of: tracked and past the burn-in; bool [N]."""
    mask = run.status == TRACKED
    for start in np.flatnonzero(run.status == STARTED):
        mask[start : start + BURN_IN] = False
    return mask


def accuracy(run: SupervisedRun) -> float:
    """Mean overlap over the ``counted`` frames; 0 where there are none, as the toolkit has it."""
    mask = counted(run)
    return float(run.overlaps[mask].mean()) if mask.any() else 0.0


def failures(run: SupervisedRun) -> int:
    """How often the tracker lost the target."""
    return int((run.status == FAILED).sum())


def eao_curve(runs: Iterable[SupervisedRun]) -> np.ndarray:
    """Expected average overlap after 0, 1, 2 ... frames, as long as the longest fragment.

    A fragment is what lies between a start and the failure, or the sequence's end. Its average
    overlap after n frames is over the frames 1 to n behind the start. A fragment that ended in a
    failure goes on for ever with overlap 0; one that the sequence's end cut off counts only as far
    as it goes. All fragments weigh the same.
    """
    fragments, failed = [], []
    for run in runs:
        for start in np.flatnonzero(run.status == STARTED):
            ends = np.flatnonzero(run.status[start:] == FAILED)
            fragments.append(run.overlaps[start:][: ends[0] if len(ends) else None])
            failed.append(bool(len(ends)))
    lengths = np.array([len(fragment) for fragment in fragments])
    sums = np.zeros((len(fragments), lengths.max()))
    for row, fragment in zip(sums, fragments, strict=True):
        row[1 : len(fragment)] = fragment[1:]
    frame = np.arange(sums.shape[1])
    averages = sums.cumsum(1) / np.maximum(frame, 1)
    known = (frame < lengths[:, None]) | np.array(failed)[:, None]
    return (averages * known).sum(0) / known.sum(0)


def eao(curve: np.ndarray) -> float | None:
    """Mean of ``eao_curve`` over EAO_LENGTHS, as far as it goes; None if it ends before them."""
    low, high = EAO_LENGTHS
    values = curve[low : high + 1]
    return float(values.mean()) if len(values) else None
