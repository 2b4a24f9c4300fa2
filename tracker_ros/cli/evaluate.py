"""`tracker-ros evaluate`: one-pass evaluation on benchmarks, with peers in the same run."""

import argparse
import tempfile
from contextlib import nullcontext
from functools import partial
from pathlib import Path

from tracker_ros.cli import common
from tracker_ros.cli.contestants import add_arguments as add_contestants
from tracker_ros.core.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from tracker_ros.evaluation.datasets import DATASETS

    parser.add_argument(
        "paths",
        nargs="+",
        type=Path,
        metavar="PATH",
        help="the set's folder; for --dataset folder, a sequence (img/ and groundtruth_rect.txt)"
        " or a folder of such",
    )
    parser.add_argument(
        "--dataset", choices=DATASETS, default="folder", help="layout, protocol, measures (folder)"
    )
    add_contestants(parser)
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="keep each sequence's result here, go on with what is here, and write a report",
    )
    parser.add_argument(
        "--jobs",
        type=common.positive_int,
        default=1,
        help="processes that share the sequences and the cores (1)",
    )
    parser.add_argument("--json", type=Path, metavar="PATH", help="write all scores as JSON")
    common.add_tracker_arguments(parser)


def run(args: argparse.Namespace) -> int:
    from tracker_ros.evaluation.parallel import Share

    share = Share.of_environment()
    if share.count > 1 and not args.out:
        raise InputError(f"{share.count} processes need --out, the folder where their results meet")
    place = nullcontext(args.out) if args.out else tempfile.TemporaryDirectory()
    with place as folder:
        return _evaluate(args, Path(folder), share)


def _evaluate(args: argparse.Namespace, folder: Path, share) -> int:
    from tracker_ros.cli.contestants import contestants
    from tracker_ros.evaluation import hardware
    from tracker_ros.evaluation.parallel import is_done, run_all
    from tracker_ros.evaluation.results import Evaluation, join_evaluation

    sequences, protocol = _sequences(args.dataset, args.paths)
    if protocol == "server" and not args.out:
        raise InputError("this set's truth is not public: name --out, where the submission goes")
    threads = max(1, hardware.cores() // (args.jobs * share.local))
    several_gpus = args.device == "cuda" and share.local > 1
    trackers = contestants(args, threads, f"cuda:{share.place}" if several_gpus else args.device)
    evaluation = Evaluation(
        args.dataset,
        protocol,
        [str(path) for path in args.paths],
        [sequence.name for sequence in sequences],
        {name: contestant.about for name, contestant in trackers.items()},
        [hardware.describe()],
    )
    evaluation = join_evaluation(folder, evaluation)
    with common.progress_bar() as bar:
        mine = share.of(sequences)
        todo = {name: [s for s in mine if not is_done(folder, name, s)] for name in trackers}
        tasks = {}
        for name, rest in todo.items():
            total, left = (sum(map(len, some)) for some in (mine, rest))
            tasks[name] = bar.add_task(name, total=total, completed=total - left)
        for name, rest in todo.items():
            make = trackers[name].make if args.jobs > 1 else trackers[name].get
            run_all(name, make, rest, folder, args.jobs, partial(bar.advance, tasks[name]))
            if args.json and share.count == 1:  # so that Ctrl-C leaves what is done
                common.write_json(args.json, _numbers(folder, evaluation))
    if all(is_done(folder, name, s) for name in trackers for s in sequences):
        _conclude(args, folder, evaluation)
    else:  # the process that comes last concludes
        print(f"process {share.rank} of {share.count} has run its {len(mine)} sequences")
    return 0


def _conclude(args: argparse.Namespace, folder: Path, evaluation) -> None:
    from tracker_ros.evaluation.results import load_results
    from tracker_ros.evaluation.submission import write_submission

    numbers = _numbers(folder, evaluation)
    if args.json:
        common.write_json(args.json, numbers)
    _print(numbers)
    if evaluation.protocol == "server":
        for name in evaluation.trackers:
            path = folder / f"{name}-{evaluation.dataset}.zip"
            write_submission(evaluation.dataset, load_results(folder, name), path)
            print(f"to submit: {path}")


def _numbers(folder: Path, evaluation) -> dict:
    """What is printed and written as JSON, of the trackers that have run over all sequences."""
    from tracker_ros.evaluation.protocols import summary
    from tracker_ros.evaluation.results import load_results

    scores = {}
    for name, about in evaluation.trackers.items():
        results = list(load_results(folder, name))
        if len(results) == len(evaluation.sequences):
            scores[name] = about | summary(evaluation.protocol, results)
    facts = {key: getattr(evaluation, key) for key in ("dataset", "protocol", "paths", "hardware")}
    return facts | {"trackers": scores}


def _sequences(dataset: str, paths: list[Path]) -> tuple[list, str]:
    """The sequences of all paths, and the protocol."""
    from tracker_ros.evaluation.datasets import read_dataset

    read = [read_dataset(dataset, path) for path in paths]
    sequences = [sequence for found, _ in read for sequence in found]
    names = [sequence.name for sequence in sequences]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"several sequences have the name {twice[0]!r}")
    protocols = {protocol for _, protocol in read}
    if len(protocols) > 1:
        raise InputError("some of these folders have public truth and some have not")
    return sequences, protocols.pop()


def _print(numbers: dict) -> None:
    from tracker_ros.evaluation.protocols import PROTOCOLS, TITLES

    protocol = PROTOCOLS[numbers["protocol"]]
    trackers = numbers["trackers"]
    heading = " / ".join((*(TITLES[measure] for measure in protocol.measures), "frames/s"))
    cells = [result["per_sequence"] | {"all": result} for result in trackers.values()]
    rows = ([name, *(_cell(c[name], protocol.measures) for c in cells)] for name in cells[0])
    common.print_table((heading, *trackers), rows)
    print(protocol.title)


def _cell(row: dict, measures: tuple[str, ...]) -> str:
    speed = f"{row['fps'] or float('nan'):.0f}"
    return " / ".join((*(f"{row[measure]:.3f}" for measure in measures), speed))
