"""``tracker-ros demo``: a clip in, boxes out, through ROS 2, and a report."""

import argparse
import math
from functools import partial
from pathlib import Path

from ...core.errors import InputError, SourceError, require
from ...core.io.files import write_json
from ...core.io.paths import real
from ..common.arguments import (
    add_box,
    add_counts,
    add_paths,
    add_tracker_arguments,
    tracker_options,
)
from ..common.outputs import check_outputs, model_files
from ..common.terminal import print_columns, progress_bar


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "clip",
        nargs="?",
        help="video file, image folder or rosbag2; default: a synthetic clip with known truth",
    )
    add_box(parser, "default: the clip's own truth")
    parser.add_argument("--topic", default="", help="the image topic of a bag that has several")
    text = "for the video, the pictures, the recording and the numbers (%(default)s)"
    add_paths(parser, {"--output FOLDER": text}, default=Path("out/demo"))
    add_counts(parser, {"--frames": (None, "end the synthetic clip after N")})
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
    from ...datasets.synthetic.clip import SyntheticClip
    from ...evaluation import hardware
    from ...replay import bystander as beside
    from ...replay import pictures, session, summary
    from ...sources import open_source
    from ...sources.base import DEFAULT_FPS

    several = args.targets > 1
    if several and args.clip is not None:
        raise InputError("--targets is about the synthetic clip, but another one is given")
    clip = _check_clip(args)
    session.check(tracker_options(args))
    _check_output(args, clip)
    with progress_bar() as bar:
        clip = clip or _synthesise(args, bar)
        with open_source(clip, topic=args.topic or None) as source:
            length, fps = source.length, source.fps or DEFAULT_FPS
            if args.box is None and not _has_box(source.truth):
                raise InputError(f"{clip} has no truth to start from; give the target as --box")
        player, tracker = _parameters(args, clip)
        cups, bystander = {}, None
        if several:
            cups = {beside.name_of(cup): cup for cup in beside.CUPS[: args.targets]}
            synthetic = SyntheticClip(length)
            bystander = beside.bystander(synthetic, args.targets)
        task = bar.add_task("tracking", total=length)
        played = session.play(
            player,
            tracker,
            args.output / "outputs",
            args.output / "log",
            lambda count: bar.update(task, completed=count),
            bystander,
        )
        images = len(played.stamps)
        task = bar.add_task("drawing", total=images)
        with open_source(args.output / "outputs") as recording:
            each = {name: played.outputs(name) for name in cups or ("",)}
            truths = {name: _truth(synthetic, cup) for name, cup in cups.items()} or {
                "": recording.truth if _has_box(recording.truth) else {}
            }
            advance = partial(bar.advance, task)
            pictures.draw_frames(recording, each, truths, fps, args.output, advance)
        pictures.draw_timeline(each, truths, images, fps, args.output / "timeline.png")
    numbers = {
        name: summary.summarise(images, outputs, truths[name] or None)
        for name, outputs in each.items()
    }
    about = {"engine": played.provider, "hardware": hardware.describe()}
    content = {"targets": numbers} if several else numbers[""]
    write_json(args.output / "summary.json", {"clip": str(clip), **content, **about})
    columns = {name or "value": dict(summary.rows(one)) for name, one in numbers.items()}
    print_columns(columns, [("engine", played.provider or "-")], missing="-")
    for name, one in numbers.items():
        if sentence := summary.verdict(one):
            print(f"{name}: {sentence}" if name else sentence)
    print(f"Video, pictures, recording and numbers are in {args.output}.")
    return 0


def _parameters(args: argparse.Namespace, clip) -> tuple[dict, dict]:
    """The parameters of player_node and tracker_node."""
    player = {"source": str(clip), "topic": args.topic, "image_transport": "compressed"}
    tracker = tracker_options(args) | {"image_transport": "compressed"}
    if args.targets > 1:
        tracker |= {"max_targets": args.targets, "auto_correct": True}
    elif args.box:
        player["init_bbox"] = ",".join(map(str, args.box))
    else:
        player["publish_init"] = True
    return player, tracker


def _truth(clip, cup: int) -> dict[int, tuple[float, ...]]:
    found = ((index, clip.truth(index, cup)) for index in range(clip.length))
    return {index: box for index, box in found if box}


def _check_output(args: argparse.Namespace, clip: str | None) -> None:
    """Make the folder, unless what is in it would be lost."""
    from ...sources.bag.writer import check_place

    names = ("annotated.mp4", "contact_sheet.png", "timeline.png", "summary.json")
    written = {f"--output's {name}": args.output / name for name in names}
    require("matplotlib")
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
    clip = real(args.clip)
    if real(args.output) in (clip, *clip.parents):
        raise InputError(
            f"{args.clip} lies in {args.output}, which is about to be written anew;"
            " choose another --output"
        )
    return args.clip


def _synthesise(args: argparse.Namespace, bar) -> Path:
    """Write the synthetic clip, of as many frames as asked for. Raises InputError."""
    from ...datasets.synthetic.bag import write_clip
    from ...datasets.synthetic.clip import FRAMES, SyntheticClip

    frames = args.frames or FRAMES
    if frames > FRAMES:
        raise InputError(f"--frames is {frames}, but the synthetic clip ends after {FRAMES}")
    task = bar.add_task("making the clip", total=frames)
    write_clip(SyntheticClip(frames), args.output / "clip", lambda: bar.advance(task))
    return args.output / "clip"


def _has_box(truth: dict[int, tuple[float, ...]] | None) -> bool:
    return any(not math.isnan(box[0]) for box in (truth or {}).values())
