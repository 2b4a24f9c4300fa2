"""``tracker-ros evaluate``: benchmarks in their own layouts, by their own protocols, with peers."""

import argparse
import tempfile
from contextlib import nullcontext
from functools import partial
from pathlib import Path

from ...core.errors import InputError, require
from ...core.io.files import check_place, write_json
from ...core.io.locks import locked
from ..common import contestants
from ..common.arguments import add_counts, add_paths, add_tracker_arguments, path_argument
from ..common.outputs import REPORT, check_folder, check_outputs, model_files
from ..common.terminal import progress_bar

MOST_JOBS = 16  # for each core; more gain nothing and fill the memory
DATASETS = ("folder", "otb", "lasot", "got10k", "trackingnet", "uav123", "tlp", "vot")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths",
        nargs="+",
        type=path_argument,
        metavar="PATH",
        help="the set's folder; for --dataset folder a sequence (img/ and groundtruth_rect.txt) or"
        " a folder of such; or a rosbag2, whose options `tracker-ros evaluate BAG --help` shows",
    )
    parser.add_argument(
        "--dataset", choices=DATASETS, default="folder", help="layout, protocol, measures (folder)"
    )
    contestants.add_arguments(parser)
    add_paths(
        parser,
        {
            "--out FOLDER": "keep each sequence's result here, go on with what is here, and write a"
            " report",
            "--json PATH": "write all scores as JSON",
        },
    )
    add_counts(
        parser,
        {
            "--jobs": (1, "processes that share the sequences and the cores"),
            "--starts": (
                1,
                "evaluate each sequence from so many frames on, evenly spread (TRE), not from the"
                " first alone",
            ),
        },
    )
    add_tracker_arguments(parser)


def run(args: argparse.Namespace) -> int:
    from ...evaluation.parallel import Share

    if args.out:
        require(*REPORT)
    share = Share.of_environment()
    ours = ("evaluation.json", "results.json", "results.csv", "report.html")
    written = {f"--out's {name}": args.out / name for name in ours} if args.out else {}
    read = [*args.paths, *([] if args.peers_only else model_files(args.model))]
    if args.out:
        check_folder(read, "--out", args.out)
    check_outputs(read, {"--json": args.json, **(written if args.json else {})})
    check_outputs([args.out], {"--json": args.json})  # a run that goes on reads its folder
    if args.json:
        check_place(args.json)
    if share.count > 1 and not args.out:
        raise InputError(f"{share.count} processes need --out, the folder where their results meet")
    with nullcontext(args.out) if args.out else tempfile.TemporaryDirectory() as folder:
        return _evaluate(args, Path(folder), share)


def _evaluate(args: argparse.Namespace, folder: Path, share) -> int:
    from ...engines.runners.cores import cores
    from ...evaluation import hardware
    from ...evaluation.parallel import is_done, run_all
    from ...evaluation.results import Evaluation, join_evaluation
    from ..common import tasks

    task = tasks.VotTask(args) if args.dataset == "vot" else tasks.OnePassTask(args)
    if args.jobs > MOST_JOBS * cores():
        raise InputError(
            f"--jobs is {args.jobs}, more than {MOST_JOBS} for each of the {cores()} cores here"
        )
    threads = max(1, cores() // (args.jobs * share.local))
    several_gpus = args.device == "cuda" and share.local > 1
    device = f"cuda:{share.place}" if several_gpus else args.device
    trackers = contestants.contestants(args, threads, device)
    evaluation = Evaluation(
        args.dataset,
        task.protocol,
        [str(path) for path in args.paths],
        task.sequences,
        {name: contestant.about for name, contestant in trackers.items()},
        [hardware.describe()],
        [args.command_line],
    )
    joined = join_evaluation(folder, evaluation)
    for name in (name for name in joined.trackers if name not in trackers):
        for run in task.every:  # else the report would compare scores by different truth
            is_done(folder, name, run, task.load)
    runs = {name: task.runs(name, contestant.tracker) for name, contestant in trackers.items()}
    with progress_bar() as bar:
        todo, shown = {}, {}
        for name in trackers:
            mine = share.of(runs[name])
            todo[name] = [run for run in mine if not is_done(folder, name, run, task.load)]
            total, left = (sum(map(len, some)) for some in (mine, todo[name]))
            shown[name] = bar.add_task(name, total=total, completed=total - left)
        for name, rest in todo.items():
            one = trackers[name]
            make = one.make if args.jobs > 1 else lambda one=one: one.tracker
            advance = partial(bar.advance, shown[name])
            run_all(name, make, rest, task.perform, folder, args.jobs, advance)
            if args.json and share.count == 1:  # so that Ctrl-C leaves what is done
                write_json(args.json, task.numbers(folder))
    if not all(is_done(folder, name, r, task.load) for name in trackers for r in runs[name]):
        print(f"process {share.rank} of {share.count} is done; the last one to end reports")
        return 0
    with locked(folder):  # two processes may both see that everything is done
        numbers = task.numbers(folder)
        if args.json:
            write_json(args.json, numbers)
        written = list(task.write(folder)) if args.out else []
    task.print(numbers)
    for path in written:
        print(path)
    return 0
