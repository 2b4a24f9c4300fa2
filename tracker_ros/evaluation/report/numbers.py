"""All numbers of a report, as ``results.json`` and ``results.csv`` hold them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...core.errors import SourceError
from ...core.io.files import write_csv
from ..metrics import failures, percentiles
from ..protocols import PROTOCOLS, Protocol, summary
from ..results import Evaluation, SequenceResult, load_evaluation, load_results, update_seconds


@dataclass(frozen=True)
class Loaded:
    """An evaluation with what its trackers did on the sequences that all of them have finished.

    results: for each tracker that finished any, its results by sequence, in the set's order.
    finished: how many sequences each tracker has finished.
    """

    folder: Path
    evaluation: Evaluation
    results: dict[str, dict[str, SequenceResult]]
    finished: dict[str, int]

    @property
    def protocol(self) -> Protocol:
        return PROTOCOLS[self.evaluation.protocol]

    @property
    def sequences(self) -> dict[str, SequenceResult]:
        """One result of each sequence, for what does not depend on the tracker."""
        return next(iter(self.results.values()))


def load(folder: Path) -> Loaded:
    """Read an evaluation's folder. Raises SourceError where there is nothing to report."""
    evaluation = load_evaluation(folder)
    if evaluation.protocol not in PROTOCOLS:
        raise SourceError(f"{folder} has a protocol without report: {evaluation.protocol!r}")
    results = {
        name: {result.sequence: result for result in load_results(folder, name)}
        for name in evaluation.trackers
    }
    finished = {name: len(done) for name, done in results.items()}
    started = [done for done in results.values() if done]
    common = [s for s in evaluation.sequences if all(s in done for done in started)]
    if not started or not common:
        raise SourceError(f"{folder} holds no sequence that all its trackers have finished")
    results = {name: {s: done[s] for s in common} for name, done in results.items() if done}
    first, *others = results
    for name, sequence in ((name, s) for name in others for s in common):
        one, other = results[first][sequence], results[name][sequence]
        if not np.array_equal(one.judge, other.judge, equal_nan=True):
            raise SourceError(
                f"{folder}: {first} and {name} were run with different truth for {sequence!r}"
            )
    return Loaded(folder, evaluation, results, finished)


def summarise(loaded: Loaded) -> dict:
    """JSON-ready: what was run, and for each tracker ``protocols.summary`` with

    "ms": {"p50", "p99"} of a frame after the first, "attributes": {name: {"sequences": count,
    measures}} and "failures": those of ``find_failures``, besides its settings and facts.
    """
    evaluation = loaded.evaluation
    return {
        "dataset": evaluation.dataset,
        "protocol": evaluation.protocol,
        "paths": evaluation.paths,
        "hardware": evaluation.hardware,
        "commands": evaluation.commands,
        "sequences": len(loaded.sequences),
        "finished": loaded.finished,
        "trackers": {
            name: evaluation.trackers[name] | _tracker(loaded, list(results.values()))
            for name, results in loaded.results.items()
        },
    }


def _tracker(loaded: Loaded, results: list[SequenceResult]) -> dict:
    attributes = {}
    for name in sorted({a for result in results for a in result.attributes}):
        having = [result for result in results if name in result.attributes]
        attributes[name] = {"sequences": len(having), **loaded.protocol.overall(having)}
    scored = results if loaded.protocol.measures else []
    return {
        **summary(loaded.evaluation.protocol, results),
        "ms": milliseconds(results),
        "attributes": attributes,
        "failures": [one for r in scored for one in find_failures(loaded.protocol, r)],
    }


def find_failures(protocol: Protocol, result: SequenceResult) -> list[dict]:
    """``metrics.failures`` of the frames with a visible target, and how they ended.

    Frames that do not count in the protocol and frames without target are passed over: a failure
    goes on behind them. "first", "last": frames of the sequence, counted from 1. "frames": of them,
    those that count. "admitted": on how many of these the tracker said that the target is lost.
    "found": the frame in which it overlapped the target again; None if it never did.
    """
    counted = protocol.frames(result)
    visible = counted.overlap >= 0
    index, missed = counted.index[visible], counted.overlap[visible] == 0
    found = []
    for start, end in failures(missed):
        rows = index[start:end]
        found.append(
            {
                "sequence": result.sequence,
                "first": int(rows[0]) + 1,
                "last": int(rows[-1]) + 1,
                "frames": len(rows),
                "admitted": int(result.lost[rows].sum()),
                "found": int(index[end]) + 1 if end < len(index) else None,
            }
        )
    return found


def milliseconds(results: list[SequenceResult]) -> dict[str, float | None]:
    """Median and 99th percentile of a frame after the first, the tracker alone."""
    seconds = update_seconds(results)
    if not len(seconds):
        return {"p50": None, "p99": None}
    return percentiles(1e3 * seconds)


def write_numbers(path: Path, loaded: Loaded, numbers: dict) -> None:
    """A line for each tracker and sequence."""
    columns = (*loaded.protocol.measures, "frames", "absent", "lost", "fps")
    rows = [("tracker", "sequence", *columns, "p50_ms", "p99_ms", "attributes")]
    for tracker, results in loaded.results.items():
        for name, result in results.items():
            row = numbers["trackers"][tracker]["per_sequence"][name]
            cells = (row[column] for column in columns)
            times, attributes = milliseconds([result]).values(), ";".join(result.attributes)
            rows.append((tracker, name, *cells, *times, attributes))
    write_csv(path, rows)
