"""VOT2018's numbers for one tracker on a set of sequences."""

import numpy as np

from . import measures
from .sequences import VotSequence
from .supervised import FAILED, UNKNOWN, SupervisedRun

TITLE = (
    "VOT2018 supervised: resets at overlap 0 after 5 frames, burn-in 10, EAO over 100-356 frames,"
    " R in failures per 100 frames; pixels and measures as vot-toolkit 0.9.0 counts them"
)


def summary(sequences: list[VotSequence], runs: dict[str, list[SupervisedRun]]) -> dict:
    """The scores as a JSON-ready dict; runs: all passes over each sequence, by its name.

    accuracy (A): mean over passes, then over sequences weighted by their lengths.
    failures: of one pass over the whole set, a mean over the passes.
    robustness (R): failures per 100 frames, as VOT2018's tables have it; less is better.
    toolkit_robustness: vot-toolkit's R, failures in a sequence, weighted by the lengths.
    eao: None where no fragment has 100 frames. eao_curve: from 0 frames on.
    fps: frames that the tracker was shown, starts included, over the time that it took.
    per_sequence: {name: {accuracy, failures, robustness, frames, fps}}.
    per_tag: {tag: {accuracy, failures, frames}} over the frames that have the tag.
    """
    passes = [run for s in sequences for run in runs[s.name]]
    rows = {s.name: _row(s, runs[s.name]) for s in sequences}
    lengths = [len(s) for s in sequences]
    lost = [row["failures"] for row in rows.values()]
    curve = measures.eao_curve(passes)
    return {
        "accuracy": float(np.average([row["accuracy"] for row in rows.values()], weights=lengths)),
        "failures": sum(lost),
        "robustness": 100 * sum(lost) / sum(lengths),
        "toolkit_robustness": float(np.average(lost, weights=lengths)),
        "eao": measures.eao(curve),
        "fps": _fps(passes),
        "frames": sum(lengths),
        "repetitions": max(map(len, runs.values())),
        "per_sequence": rows,
        "per_tag": _per_tag(sequences, runs),
        "eao_curve": curve.tolist(),
    }


def _row(sequence: VotSequence, runs: list[SupervisedRun]) -> dict:
    lost = float(np.mean([measures.failures(run) for run in runs]))
    return {
        "accuracy": float(np.mean([measures.accuracy(run) for run in runs])),
        "failures": lost,
        "robustness": 100 * lost / len(sequence),
        "frames": len(sequence),
        "fps": _fps(runs),
    }


def _fps(runs: list[SupervisedRun]) -> float | None:
    seconds = sum(run.seconds.sum() for run in runs)
    shown = sum(int((run.status != UNKNOWN).sum()) for run in runs)
    return float(shown / seconds) if seconds > 0 else None


def _per_tag(sequences: list[VotSequence], runs: dict[str, list[SupervisedRun]]) -> dict:
    """Over all frames of a tag together; accuracy None where none of them counts for it."""
    table = {}
    for tag in sorted({tag for s in sequences for tag in s.tags}):
        overlaps, lost, frames = [], 0.0, 0
        for sequence in sequences:
            tagged = sequence.tags.get(tag, np.zeros(len(sequence), bool))
            frames += int(tagged.sum())
            passes = runs[sequence.name]
            overlaps += [run.overlaps[tagged & measures.counted(run)] for run in passes]
            lost += float(np.mean([(tagged & (run.status == FAILED)).sum() for run in passes]))
        pooled = np.concatenate(overlaps)
        accuracy = float(pooled.mean()) if len(pooled) else None
        table[tag] = {"accuracy": accuracy, "failures": lost, "frames": frames}
    return table
