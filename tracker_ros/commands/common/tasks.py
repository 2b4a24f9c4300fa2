"""The two kinds of ``tracker-ros evaluate``: one-pass evaluation, and VOT's protocol."""

import argparse
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path

from ...core.errors import InputError
from .terminal import print_table

logger = logging.getLogger(__name__)


class OnePassTask:
    """protocol: a key of ``PROTOCOLS``. sequences: names. perform, load: see ``parallel``.

    every: all runs that a tracker may have made.

    Raises SourceError, InputError.
    """

    def __init__(self, args: argparse.Namespace):
        from ...datasets import read_benchmark
        from ...evaluation.one_pass import run_sequence
        from ...evaluation.restarts import restarts
        from ...evaluation.results import SequenceResult

        self.perform, self.load = run_sequence, SequenceResult.load
        read = [read_benchmark(args.dataset, path) for path in args.paths]
        self._starts = args.starts
        self.every = [
            part for found, _ in read for whole in found for part in restarts(whole, args.starts)
        ]
        self.sequences = _unique([sequence.name for sequence in self.every])
        protocols = {protocol for _, protocol in read}
        if len(protocols) > 1:
            raise InputError("some of these folders have public truth and some have not")
        self.protocol = protocols.pop()
        if self.protocol == "server" and not args.out:
            raise InputError("the truth of this set is not public: --out says where to submit from")
        self._dataset = args.dataset

    def runs(self, name: str, tracker) -> list:
        """What ``run_all`` runs: the sequences."""
        return self.every

    def numbers(self, folder: Path) -> dict:
        """The scores of all trackers, JSON-ready."""
        from ...evaluation.report import numbers

        return numbers.summarise(numbers.load(folder))

    def print(self, numbers: dict) -> None:
        """Show the scores as a table."""
        from ...evaluation.protocols import PROTOCOLS, TITLES

        protocol = PROTOCOLS[self.protocol]
        _print(numbers, {measure: TITLES[measure] for measure in protocol.measures})
        print(protocol.title)
        finished = numbers["finished"]
        if max(finished.values()) > numbers["sequences"]:
            each = ", ".join(f"{name} {count}" for name, count in finished.items())
            print(f"of the sequences finished ({each}) only those that all have in common")
        if self._starts > 1:
            print(f"each sequence from at most {self._starts} starts (NAME@FRAME)")

    def write(self, folder: Path) -> Iterator[Path]:
        """Write the report, and what can be submitted; yields the paths."""
        from ...evaluation.report import write_report
        from ...evaluation.results import load_evaluation, load_results, result_path
        from ...evaluation.submission import write_submission

        if self.protocol == "server":
            evaluation = load_evaluation(folder)
            for tracker in evaluation.trackers:
                done = [result_path(folder, tracker, s).is_file() for s in evaluation.sequences]
                if not all(done):
                    told = "no submission of %s: it has finished %d of %d sequences"
                    logger.warning(told, tracker, sum(done), len(done))
                    continue
                path = folder / f"{tracker}-{self._dataset}.zip"
                write_submission(self._dataset, load_results(folder, tracker), path)
                yield path
        yield write_report(folder)


class VotTask:
    """protocol: "vot". sequences: names. perform, load: see ``parallel``.

    every: all runs that a tracker may have made.

    Raises SourceError, InputError.
    """

    protocol = "vot"

    def __init__(self, args: argparse.Namespace):
        from ...evaluation.vot.sequences import find_vot_sequences
        from ...evaluation.vot.supervised import REPETITIONS, Pass, SupervisedRun, run_pass

        if args.starts > 1:
            raise InputError("VOT restarts by its own rule: --starts is for one-pass evaluation")
        self.perform, self.load = run_pass, SupervisedRun.load
        self._found = [s for path in args.paths for s in find_vot_sequences(path)]
        self.sequences = _unique([sequence.name for sequence in self._found])
        self.every = [Pass(s, i + 1) for s in self._found for i in range(REPETITIONS)]
        self._repetitions: dict[str, int] = {}

    def runs(self, name: str, tracker) -> list:
        """What ``run_all`` runs: one pass over each sequence, 15 if ``tracker`` differs in them."""
        from ...evaluation.vot.supervised import Pass, repetitions_needed

        self._repetitions[name] = count = repetitions_needed(tracker, self._found)
        return [Pass(s, i + 1) for s in self._found for i in range(count)]

    def numbers(self, folder: Path) -> dict:
        """The scores of the trackers that have made all passes over this run's sequences."""
        from ...evaluation.results import load_evaluation, result_path
        from ...evaluation.vot.scores import summary
        from ...evaluation.vot.supervised import REPETITIONS, Pass

        evaluation = load_evaluation(folder)
        scores = {}
        for name in evaluation.trackers:
            several = result_path(folder, name, Pass(self._found[0], 2).name).is_file()
            count = self._repetitions.get(name, REPETITIONS if several else 1)
            paths = {
                s.name: [result_path(folder, name, Pass(s, i + 1).name) for i in range(count)]
                for s in self._found
            }
            if all(path.is_file() for some in paths.values() for path in some):
                runs = {s: list(map(self.load, some)) for s, some in paths.items()}
                scores[name] = evaluation.trackers[name] | summary(self._found, runs)
        facts = ("dataset", "protocol", "paths", "hardware", "commands")
        return {key: getattr(evaluation, key) for key in facts} | {"trackers": scores}

    def print(self, numbers: dict) -> None:
        """Show the scores as a table."""
        from ...evaluation.vot.scores import TITLE

        _print(numbers, {"accuracy": "A", "robustness": "R", "eao": "EAO"})
        print(TITLE)

    def write(self, folder: Path) -> Iterator[Path]:
        """Write the report; yields its path."""
        from ...evaluation.report.vot import write_vot_report

        yield write_vot_report(folder, self.numbers(folder))


def _unique(names: list[str]) -> list[str]:
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"several sequences have the name {twice[0]!r}")
    return names


def _print(numbers: dict, titles: dict[str, str]) -> None:
    """A column a tracker, a row a sequence, the measures of ``titles`` and the speed in a cell."""
    trackers = numbers["trackers"]
    cells = [result["per_sequence"] | {"all": result} for result in trackers.values()]
    rows = ([name, *(_cell(column[name], titles) for column in cells)] for name in cells[0])
    print_table((" / ".join((*titles.values(), "frames/s")), *trackers), rows)


def _cell(row: dict, measures: Iterable[str]) -> str:
    values = (row.get(measure) for measure in measures)
    shares = ("-" if value is None else f"{value:.3f}" for value in values)
    return " / ".join((*shares, f"{row['fps'] or float('nan'):.0f}"))
