"""``tracker-ros demo``: a clip in, boxes out, through ROS 2, and a report."""

import argparse
import math
from pathlib import Path

from ..core.errors import InputError, SourceError
from ..core.io.files import write_json
from .common.arguments import add_tracker_arguments, box_argument, positive_int
from .common.outputs import check_outputs, model_files
from .common.terminal import print_table, progress_bar


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "clip",
        nargs="?",
        help="video file, image folder or rosbag2; default: a synthetic clip with known truth",
    )
    parser.add_argument(
        "--box",
        type=box_argument,
        metavar="X,Y,W,H",
        help="the target in the clip's first frame, in pixels (--box=-3,… for a negative x);"
        " default: the clip's own truth",
    )
    parser.add_argument("--topic", default="", help="the image topic of a bag that has several")
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("out/demo"),
        metavar="FOLDER",
        help="for the video, the pictures, the recording and the numbers (%(default)s)",
    )
    parser.add_argument(
        "--frames", type=positive_int, metavar="N", help="end the synthetic clip after N"
    )
    parser.add_argument(
        "--targets",
        type=int,
        choices=(1, 2, 3, 4),
        default=1,
        metavar="N",
        help="follow N cups of the synthetic clip at once, with the help of a detector that misses"
        " some and gives false alarms (%(default)s)",
    )
    add_tracker_arguments(parser)


def run(args: argparse.Namespace) -> int:
    if args.targets > 1:
        return _run_several(args)
    return _run_one(args)


def _run_several(args: argparse.Namespace) -> int:
    """Several cups of the synthetic clip."""
    from ..datasets.synthetic.clip import FPS, SyntheticClip
    from ..evaluation import hardware
    from ..replay import bystander as beside
    from ..replay import pictures, session, summary
    from ..sources import open_source

    if args.clip is not None:
        raise InputError("--targets is about the synthetic clip, but another one is given")
    _check_clip(args)
    _check_output(args, None)
    with progress_bar() as bar:
        path = _synthesise(args, bar)
        clip = SyntheticClip(_frames(args))
        names = {beside.name_of(cup): cup for cup in beside.CUPS[: args.targets]}
        tracker = _tracker_parameters(args)
        tracker |= {"max_targets": args.targets, "auto_correct": True}
        task = bar.add_task("tracking", total=clip.length)
        played = session.play(
            {"source": str(path), "image_transport": "compressed"},
            tracker,
            args.output / "outputs",
            args.output / "log",
            lambda count: bar.update(task, completed=count),
            beside.bystander(clip, args.targets),
            list(names),
        )
        truths = {name: _truth(clip, cup) for name, cup in names.items()}
        task = bar.add_task("drawing", total=played.images)

        def draw(frame):
            outputs = {name: found.get(frame.index) for name, found in played.each.items()}
            true = {name: boxes.get(frame.index) for name, boxes in truths.items()}
            return pictures.annotate_all(frame.image, outputs, true)

        with open_source(args.output / "outputs") as recording:
            pictures.draw_pictures(recording, draw, FPS, args.output, lambda: bar.advance(task))
        pictures.draw_timelines(
            played.each, truths, played.images, FPS, args.output / "timeline.png"
        )
    numbers = {
        name: summary.summarise(played.images, outputs, truths[name])
        for name, outputs in played.each.items()
    }
    content = {"clip": str(path), "targets": numbers, "engine": played.provider}
    write_json(args.output / "summary.json", content | {"hardware": hardware.describe()})
    tables = [dict(summary.rows(one)) for one in numbers.values()]
    measures = list(dict.fromkeys(measure for table in tables for measure in table))
    print_table(
        ("measure", *numbers),
        [(one, *(table.get(one, "-") for table in tables)) for one in measures],
    )
    for name, one in numbers.items():
        if sentence := summary.verdict(one):
            print(f"{name}: {sentence}")
    print(f"Video, pictures, recording and numbers are in {args.output}.")
    return 0


def _truth(clip, cup: int) -> dict[int, tuple[float, ...]]:
    found = ((index, clip.truth(index, cup)) for index in range(clip.length))
    return {index: box for index, box in found if box}


def _run_one(args: argparse.Namespace) -> int:
    from ..evaluation import hardware
    from ..replay import pictures as report
    from ..replay import session, summary
    from ..sources import open_source
    from ..sources.base import DEFAULT_FPS

    clip = _check_clip(args)
    _check_output(args, clip)
    with progress_bar() as bar:
        if clip is None:
            clip = _synthesise(args, bar)
        with open_source(clip, topic=args.topic or None) as source:
            length, fps = source.length, source.fps or DEFAULT_FPS
            if args.box is None and not _has_box(source.truth):
                raise InputError(f"{clip} has no truth to start from; give the target as --box")
        transport = {"image_transport": "compressed"}
        player = {"source": str(clip), "topic": args.topic, "publish_init": args.box is None}
        player |= transport
        if args.box:
            player["init_bbox"] = ",".join(map(str, args.box))
        tracker = _tracker_parameters(args)
        task = bar.add_task("tracking", total=length)
        played = session.play(
            player,
            tracker,
            args.output / "outputs",
            args.output / "log",
            lambda count: bar.update(task, completed=count),
        )
        outputs, frames, provider = played.outputs, played.images, played.provider
        task = bar.add_task("drawing", total=frames)
        with open_source(args.output / "outputs") as recording:
            truth = recording.truth if _has_box(recording.truth) else None
            report.draw_frames(
                recording, outputs, truth or {}, fps, args.output, lambda: bar.advance(task)
            )
        report.draw_timeline(outputs, truth, frames, fps, args.output / "timeline.png")
    numbers = summary.summarise(frames, outputs, truth)
    write_json(
        args.output / "summary.json",
        {"clip": str(clip), **numbers, "engine": provider, "hardware": hardware.describe()},
    )
    print_table(("measure", "value"), [*summary.rows(numbers), ("engine", provider or "-")])
    if sentence := summary.verdict(numbers):
        print(sentence)
    print(f"Video, pictures, recording and numbers are in {args.output}.")
    return 0


def _tracker_parameters(args: argparse.Namespace) -> dict[str, object]:
    names = ("model", "engine", "device", "precision", "allow_cpu_fallback")
    return {name: getattr(args, name) for name in names} | {"image_transport": "compressed"}


def _check_output(args: argparse.Namespace, clip: str | None) -> None:
    """Make the folder, unless what is in it would be lost."""
    from ..sources.bag.writer import check_place

    names = ("annotated.mp4", "contact_sheet.png", "timeline.png", "summary.json")
    written = {f"--output's {name}": args.output / name for name in names}
    check_outputs([clip, *model_files(args.model)], written)
    for name in ("clip", "outputs"):
        check_place(args.output / name)
    args.output.mkdir(parents=True, exist_ok=True)


def _check_clip(args: argparse.Namespace) -> str | None:
    if args.clip is None and (args.box or args.topic):
        raise InputError("--box and --topic are about your own clip, but none is given")
    if args.clip is not None and args.frames:
        raise InputError("--frames is about the synthetic clip, but another one is given")
    if args.clip is None:
        return None
    if not Path(args.clip).exists():
        raise SourceError(f"{args.clip} does not exist")
    if args.output.resolve() in (Path(args.clip).resolve(), *Path(args.clip).resolve().parents):
        raise InputError(
            f"{args.clip} lies in {args.output}, which is about to be written anew;"
            " choose another --output"
        )
    return args.clip


def _synthesise(args: argparse.Namespace, bar) -> Path:
    from ..datasets.synthetic.bag import write_clip
    from ..datasets.synthetic.clip import SyntheticClip

    frames = _frames(args)
    task = bar.add_task("making the clip", total=frames)
    write_clip(SyntheticClip(frames), args.output / "clip", lambda: bar.advance(task))
    return args.output / "clip"


def _frames(args: argparse.Namespace) -> int:
    """How many the synthetic clip has. Raises InputError."""
    from ..datasets.synthetic.clip import FRAMES

    frames = args.frames or FRAMES
    if frames > FRAMES:
        raise InputError(f"--frames is {frames}, but the synthetic clip ends after {FRAMES}")
    return frames


def _has_box(truth: dict[int, tuple[float, ...]] | None) -> bool:
    return any(not math.isnan(box[0]) for box in (truth or {}).values())
