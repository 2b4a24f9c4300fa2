"""``tracker-ros evaluate BAG``, ``ros2 run tracker_ros evaluate_bag BAG``; see docs/replay.md."""

import argparse
import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from ...core.errors import InputError, TrackerError, require
from ...core.io.paths import real
from ..common import contestants
from ..common.arguments import (
    add_paths,
    add_tracker_arguments,
    box_argument,
    path_argument,
    tracker_options,
)
from ..common.outputs import REPORT, check_folder, check_outputs
from ..common.terminal import print_table, progress_bar
from ..execution import PROGRAM, Parser, execute


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bag", type=path_argument, help="rosbag2: a folder, .mcap or .db3")
    parser.add_argument(
        "--topic",
        action="append",
        help="an image topic, raw or compressed; may be repeated (all that the bag has)",
    )
    parser.add_argument(
        "--box",
        action="append",
        default=[],
        type=_box_of_topic,
        metavar="[TOPIC=]X,Y,W,H",
        help="the target in the first image, in pixels; default: the truth's first box",
    )
    parser.add_argument(
        "--truth",
        action="append",
        default=[],
        type=_of_topic,
        metavar="[TOPIC=]FROM",
        help="a Detection2DArray topic of the bag, or a CSV file with the columns x, y, w, h and"
        " stamp_ns, stamp (seconds) or frame; default: the bag's own topic",
    )
    add_paths(parser, {"--out FOLDER": "for all that is written (out/NAME-OF-THE-BAG)"})
    parser.add_argument(
        "--images",
        choices=("copied", "referenced"),
        default="copied",
        help="copy the images into the bags that are written, or only name their bag (copied)",
    )
    parser.add_argument(
        "--debug-images",
        action="store_true",
        help="write the images with box, state and gate drawn in, too, as rviz needs them",
    )
    parser.add_argument(
        "--live",
        action="store_true",
        help="then play the bag to the tracker node through DDS: latency, drops, loss of accuracy",
    )
    contestants.add_arguments(parser)
    parser.set_defaults(dataset="bag")  # for which no paper has values
    add_tracker_arguments(parser)


def run(args: argparse.Namespace) -> int:
    from ...engines.runners.cores import cores
    from ...evaluation import hardware
    from ...evaluation.report import write_report
    from ...evaluation.results import Evaluation, join_evaluation
    from ...replay.evaluate import sequence_name
    from ...sources.bag.recording import Recording

    if args.live and args.peers_only:
        raise InputError(
            "--live plays to the tracker node, but --peers-only leaves our tracker out"
        )
    if args.live and (changed := contestants.changes(args)):
        raise InputError(f"{changed[0]} is for the replay, but --live plays to the node, as it is")
    if not args.bag.exists():
        raise InputError(f"{args.bag} does not exist")
    if args.live:
        from ...replay import session

        session.check(tracker_options(args))
    folder = args.out or Path("out") / real(args.bag).stem
    check_folder([args.bag], "--out", folder)
    failures: list[str] = []
    with progress_bar() as bar:
        bar.add_task(f"reading {args.bag.name}", total=None)
        sources = _sources(args, Recording(args.bag), failures)
    if any(truth.known for _, truth in sources):
        require(*REPORT)
    trackers = contestants.contestants(args, cores(), args.device)
    evaluation = Evaluation(
        args.dataset,
        "otb",
        [str(args.bag)],
        [sequence_name(source) for source, truth in sources if truth.known],
        {name: contestant.about for name, contestant in trackers.items()},
        [hardware.describe()],
        [args.command_line],
    )
    names = [f"{name}/{sequence_name(source)}.csv" for name in trackers for source, _ in sources]
    tables = {f"--out's {name}": folder / name for name in names}
    check_outputs([value for _, value in args.truth], tables)  # such are truth, once corrected
    join_evaluation(folder, evaluation)
    rows, lives = _evaluate(args, sources, trackers, folder, failures)
    if not rows:
        raise TrackerError(f"nothing in {args.bag} could be evaluated: {'; '.join(failures)}")
    for sentence in failures:
        print(f"{PROGRAM}: warning: {sentence}", file=sys.stderr)
    print_table(("tracker", "topic", "frames", "lost", "AUC", "P at 20 px", "frames/s"), rows)
    for source, truth in sources:
        print(
            f"truth about {source.topic}: from {truth.origin}"
            if truth.known
            else f"no truth about {source.topic}: nothing was scored"
        )
    if lives:
        print_table(
            ("live", "dropped", "stamp to box, ms, p50 / p99", "overlap with replay", "AUC (loss)"),
            lives,
        )
    if any(truth.known for _, truth in sources):
        print(f"Report: {write_report(folder)}")
    print(f"Results and bags are in {folder}.")
    return 0


def _sources(args: argparse.Namespace, recording, failures: list[str]) -> list[tuple]:
    """A source and its truth for each topic that can be evaluated; the others are failures."""
    from ...replay.truth import find_truth
    from ...sources.bag.source import BagSource, image_topics

    found = []
    topics = args.topic or image_topics(recording)
    if twice := [topic for topic in topics if topics.count(topic) > 1]:
        raise InputError(f"--topic {twice[0]} is given more than once")
    for option, pairs in (("--box", args.box), ("--truth", args.truth)):
        _check_given(option, [topic for topic, _ in pairs], topics)
    for topic in topics:
        try:
            source = BagSource(args.bag, topic, recording=recording)
            if not source.length:
                raise InputError(f"{args.bag}, {topic}: it holds no image")
            source.warn_of_stamps()
            truth = find_truth(source, _given(args.truth, topic), _given(args.box, topic))
            if truth.initial is None and not truth.known:
                raise InputError(f"{args.bag}, {topic}: no box to start on; give --box or --truth")
            found.append((source, truth))
        except TrackerError as error:
            failures.append(str(error))
    if not found:
        raise TrackerError(f"nothing in {args.bag} can be evaluated: {'; '.join(failures)}")
    return found


def _evaluate(args, sources, trackers, folder, failures) -> tuple[list, list]:
    """Rows of the two tables. What fails is added to ``failures``, and the rest goes on."""
    from ...core.tracker import Tracker
    from ...replay.evaluate import evaluate, sequence_name
    from ...replay.live import run_live

    wanted = {"images": args.images == "copied", "debug_images": args.debug_images}
    rows, lives = [], []
    with progress_bar() as bar:
        for (name, contestant), (source, truth) in (
            (tracker, pair) for tracker in trackers.items() for pair in sources
        ):
            tracker = contestant.tracker
            task = bar.add_task(f"{name} {source.topic}", total=source.length)
            try:
                advance = partial(bar.advance, task)
                result, frames = evaluate(
                    name, tracker, source, truth, folder, on_frame=advance, **wanted
                )
                rows.append(_row(name, source.topic, result))
                if args.live and isinstance(tracker, Tracker):
                    task = bar.add_task(f"live {source.topic}", total=len(frames))
                    path = folder / name / f"{sequence_name(source)}.live"
                    numbers = run_live(
                        source,
                        tracker_options(args),
                        result,
                        frames,
                        path,
                        lambda count, task=task: bar.update(task, completed=count),
                    )
                    lives.append(_live_row(f"{name} {source.topic}", numbers))
            except TrackerError as error:
                failures.append(f"{name} on {source.topic}: {error}")
    return rows, lives


def _row(name: str, topic: str, result) -> tuple[str, ...]:
    from ...evaluation.metrics import few_frames
    from ...evaluation.protocols import PROTOCOLS
    from ...evaluation.results import speed

    scores, rate = ("-", "-"), speed([result])
    try:
        protocol = PROTOCOLS["otb"]
        frames, measures = len(protocol.frames(result).index), protocol.score(result)
        if frames > 1 or len(result) == 1:  # not the frame alone that it started on
            few = few_frames(frames, len(result))
            scores = (f"{measures['auc']:.3f}{few}", f"{measures['precision']:.3f}")
    except InputError:  # no frame with truth
        pass
    counts = str(len(result)), str(int(result.lost.sum()))
    return name, topic, *counts, *scores, "-" if rate is None else f"{rate:.0f}"


def _live_row(name: str, numbers: dict) -> tuple[str, ...]:
    overlap, auc = "-", "-"
    if numbers["overlap"] is not None:
        overlap = f"{numbers['overlap']:.3f}"
    if "auc" in numbers:
        auc = f"{numbers['auc']:.3f} ({numbers['auc_loss']:+.3f})"
    latency = f"{numbers['latency_p50_ms']:.1f} / {numbers['latency_p99_ms']:.1f}"
    return name, f"{numbers['dropped']} of {numbers['frames']}", latency, overlap, auc


def _of_topic(text: str) -> tuple[str | None, str]:
    """Split "TOPIC=VALUE"; the topic is None where there is none."""
    topic, equals, value = text.partition("=")
    return (topic, value) if equals and topic.startswith("/") else (None, text)


def _box_of_topic(text: str) -> tuple[str | None, tuple[float, float, float, float]]:
    topic, value = _of_topic(text)
    return topic, box_argument(value)


def _check_given(option: str, given: list[str | None], topics: Iterable[str]) -> None:
    """Raise InputError where one of them would be passed over."""
    for topic in given:
        if given.count(topic) > 1:
            about = f" for {topic}" if topic else ""
            raise InputError(f"{option} is given more than once{about}; say TOPIC= for each topic")
        if topic is not None and topic not in topics:
            there = ", ".join(topics) or "none"
            raise InputError(f"{option} is about {topic}, but the image topics here are: {there}")
    if None in given and set(topics) < set(given):
        raise InputError(f"{option} without TOPIC= has no effect: each topic here has its own")


def _given(pairs: list[tuple], topic: str):
    """What is said of this topic, or else of any."""
    values = dict(pairs)
    return values.get(topic, values.get(None))


def build_parser(arguments: list[str]) -> argparse.ArgumentParser:
    """The parser of the executable that ROS 2 finds."""
    parser = Parser(
        prog="evaluate_bag", description="Replay a bag through trackers, frame by frame."
    )
    add_arguments(parser)
    parser.set_defaults(run=run)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """For ``ros2 run tracker_ros evaluate_bag``; returns the exit status of ``tracker-ros``."""
    return execute(build_parser, sys.argv[1:] if arguments is None else arguments)
