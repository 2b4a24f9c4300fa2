"""All numbers of a report, as ``results.json`` and ``results.csv`` hold them."""

from dataclasses import asdict, dataclass
from pathlib import Path

from ...core.errors import SourceError
from ...core.io import files
from ..metrics import percentiles
from ..protocols import PROTOCOLS, Protocol, summary
from ..results import Evaluation, SequenceResult, load_evaluation, load_results, update_seconds
from .failures import find_failures


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
    return Loaded(folder, evaluation, results, finished)


def summarise(loaded: Loaded) -> dict:
    """JSON-ready: what was run, and for each tracker ``protocols.summary`` with

    "ms": {"p50", "p99"} of a frame after the first, "attributes": {name: {"sequences": count,
    measures}} and "failures": ``Failure``s, besides its settings and facts.
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
    failures = []
    if loaded.protocol.measures:
        failures = [asdict(f) for r in results for f in find_failures(loaded.protocol, r)]
    return {
        **summary(loaded.evaluation.protocol, results),
        "ms": milliseconds(results),
        "attributes": attributes,
        "failures": failures,
    }


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
    files.write_csv(path, rows)
