"""``tracker-ros explain``: why a box is where it is: response, attention, gate and score."""

import argparse
import logging
from contextlib import ExitStack
from pathlib import Path

from ..common.arguments import (
    add_box,
    add_paths,
    add_source_arguments,
    add_tracker_arguments,
    numbers,
    tracker_from,
)

SHEET = 12  # rows of a sheet
logger = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_source_arguments(parser)
    add_box(parser, "default: the source's own truth", select=True)
    text = "a video (.mp4, .avi), or a sheet of single frames (.png, .jpg) (%(default)s)"
    add_paths(parser, {"--out FILE": text}, default=Path("explained.mp4"))
    text = f"the sheet's frames, from 0 (default: the last {SHEET})"
    parser.add_argument("--at", type=numbers, metavar="N,…", help=text)
    add_tracker_arguments(parser)


def run(args: argparse.Namespace) -> int:
    import numpy as np

    from ...core.errors import InputError, ParameterError
    from ...core.io.files import check_place
    from ...core.io.pictures import write_picture
    from ...core.tracker import Tracker
    from ...engines.attention import Explainer
    from ...engines.watched import WatchedEngine
    from ...runtime.outputs.attention_view import AttentionView
    from ...runtime.outputs.overlay import draw
    from ...sources import open_source
    from ...sources.base import DEFAULT_FPS
    from ...sources.writer import CODECS, VideoWriter
    from ..common.frames import tracked_frames
    from ..common.outputs import check_outputs, model_files

    suffix = args.out.suffix.lower()
    sheet = suffix in (".png", ".jpg", ".jpeg")
    if not sheet and suffix not in CODECS:
        raise ParameterError(f"--out is {args.out}, neither {', '.join(CODECS)} nor .png, .jpg")
    if args.at and not sheet:
        raise ParameterError("--at is for a sheet: give --out as .png or .jpg")
    check_outputs([Path(args.source), *model_files(args.model)], {"--out": args.out})
    if sheet:
        check_place(args.out)
    explainer = Explainer(args.model)
    tracker = Tracker(WatchedEngine(tracker_from(args).engine))
    view, rows, count = AttentionView(), [], 0
    with ExitStack() as stack:
        source = stack.enter_context(open_source(args.source, topic=args.topic))
        frames = tracked_frames(source, args.box and [args.box], args.frames, args.select)
        video = None
        if not sheet:
            video = stack.enter_context(VideoWriter(args.out, source.fps or DEFAULT_FPS))
        for count, (frame, boxes) in enumerate(frames, 1):
            if boxes:
                tracker.init(frame.image, *boxes)
                picture = view.draw(draw(frame.image, "TRACKING", 1.0, *boxes), None, 1.0, None)
            else:
                search = tracker.search(frame.image)
                result = tracker.update(frame.image)
                found = search.window.to_crop(tracker.last_box)
                explanation = explainer.explain(tracker.state, found)
                shown = draw(
                    frame.image, result.state.name, result.score, result.box, gate=result.gate
                )
                picture = view.draw(shown, explanation, result.score, result.gate)
            if video:
                video.write(picture)
            elif args.at is None or count - 1 in args.at:
                rows = [*rows[1 - SHEET :], picture] if args.at is None else [*rows, picture]
    if sheet:
        if not rows:
            raise InputError(f"none of the frames of --at is among the {count} of {args.source}")
        if absent := ", ".join(str(number) for number in args.at or () if number >= count):
            logger.warning("not among the %d frames of %s: %s", count, args.source, absent)
        write_picture(args.out, np.concatenate(rows))
    print(args.out)
    return 0
