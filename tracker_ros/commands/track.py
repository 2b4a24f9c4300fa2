"""`tracker-ros track`: any source in; a summary, a CSV and an annotated video out; no ROS."""

import argparse
import csv
import math
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from ..core.errors import InputError
from ..core.files import growing
from ..core.gate import BRANCHES
from . import common
from .outputs import check_outputs, model_files

COLUMNS = ("frame", "stamp_ns", "x", "y", "w", "h", "score", "state", "lost_frames",
           "branch", *BRANCHES, "crop_ms", "locate_ms", "decode_ms")  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source", help="video file, image folder, rosbag2 (.mcap, .db3, folder) or camera index"
    )
    parser.add_argument(
        "--box",
        type=common.parse_box,
        metavar="X,Y,W,H",
        help="the target in the first frame, in pixels (--box=-3,… for a negative x);"
        " default: the source's own truth",
    )
    parser.add_argument("--topic", help="the image topic of a bag that has several")
    parser.add_argument(
        "--frames", type=common.positive_int, metavar="N", help="stop after N frames"
    )
    parser.add_argument("--video", type=Path, metavar="PATH", help="annotated .mp4 or .avi")
    parser.add_argument(
        "--csv", type=Path, metavar="PATH", help="one row a frame; no box while the target is lost"
    )
    common.add_tracker_arguments(parser)


def run(args: argparse.Namespace) -> int:
    from ..runtime.overlay import draw
    from ..sources import open_source
    from ..sources.base import DEFAULT_FPS
    from ..sources.writer import VideoWriter

    check_outputs(
        [args.source, *model_files(args.model)], {"--video": args.video, "--csv": args.csv}
    )
    with ExitStack() as stack:
        source = stack.enter_context(open_source(args.source, topic=args.topic))
        if args.box is None and not source.truth:
            raise InputError(
                f"{args.source} has no truth to start from; give the target as --box x,y,w,h"
            )
        tracker = common.tracker_from(args)
        table = csv.writer(stack.enter_context(growing(args.csv))) if args.csv else None
        video = None
        if args.video:
            video = stack.enter_context(VideoWriter(args.video, source.fps or DEFAULT_FPS))
        bar = stack.enter_context(common.progress_bar())
        task = bar.add_task("tracking", total=args.frames or source.length)
        log = Log()
        for frame in source:
            truth = (source.truth or {}).get(frame.index)
            if not tracker.initialised:
                box = args.box or truth
                if box is None or math.isnan(box[0]):
                    continue
                tracker.init(frame.image, box)
                result = None
                row = ("TRACKING", 1.0, box, None)
            else:
                begin = time.perf_counter()
                result = tracker.update(frame.image)
                log.seconds.append(time.perf_counter() - begin)
                row = (result.state.name, result.score, result.box, result.gate)
            if table and not log.boxes:
                table.writerow(COLUMNS)
            log.add(row[0], row[1], tracker.last_box, truth)
            if table:
                table.writerow(_csv_row(frame, row, result))
            if video:
                state, score, box, gate = row
                video.write(draw(frame.image, state, score, box, gate=gate))
            bar.advance(task)
            if len(log.boxes) == args.frames:
                break
        if not log.boxes:
            raise InputError(f"the truth of {args.source} belongs to none of its frames")
    rows = log.summary(tracker.engine.provider)
    if levels := str(source.levels):
        rows.append(("values seen as 0..255", levels))
    common.print_table(("measure", "value"), rows)
    return 0


class Log:
    """What the summary is made of."""

    def __init__(self):
        self.states: Counter[str] = Counter()
        self.scores, self.boxes, self.truth, self.seconds = [], [], [], []

    def add(self, state, score, box, truth) -> None:
        self.states[state] += 1
        self.scores.append(score)
        self.boxes.append(box)
        self.truth.append(truth or (math.nan,) * 4)

    def summary(self, provider: str) -> list[tuple[str, str]]:
        import numpy as np

        from ..evaluation import metrics

        rows = [("frames", str(len(self.boxes)))]
        rows += [(state.lower(), str(count)) for state, count in self.states.items()]
        rows.append(("mean score", f"{np.mean(self.scores):.3f}"))
        truth = np.array(self.truth)
        known = ~np.isnan(truth).any(1)
        if known.sum() > 1:
            boxes = np.array(self.boxes, float)
            overlap = metrics.iou(boxes[known], truth[known]).mean()
            rows += [
                ("mean overlap", f"{overlap:.3f}"),
                ("success AUC", f"{metrics.success_auc(boxes, truth):.3f}"),
                ("precision at 20 px", f"{metrics.precision(boxes, truth):.3f}"),
            ]
        if self.seconds:
            p50, p99 = np.percentile(self.seconds, (50, 99)) * 1e3
            rows += [
                ("frames/s", f"{1 / np.mean(self.seconds):.1f}"),
                ("ms a frame, p50 / p99", f"{p50:.1f} / {p99:.1f}"),
            ]
        return [*rows, ("engine", provider)]


def _csv_row(frame, row, result) -> list:
    state, score, box, gate = row
    cells = [frame.index, frame.stamp_ns]
    cells += [f"{value:.2f}" for value in box] if box else [""] * 4
    cells += [f"{score:.4f}", state, result.lost_frames if result else 0]
    cells += [gate.branch, *(f"{w:.4f}" for w in gate.weights)] if gate else [""] * 5
    timings = result.timings if result else {}
    return cells + [
        f"{timings[k]:.2f}" if k in timings else "" for k in ("crop", "locate", "decode")
    ]
