"""``tracker-ros track``: any source in; a summary, a CSV and an annotated video out; no ROS."""

import argparse
import csv
import time
from collections import Counter
from contextlib import ExitStack

from ...core.gate import BRANCHES
from ...core.io.files import growing
from ..common.arguments import (
    add_box,
    add_paths,
    add_source_arguments,
    add_tracker_arguments,
    tracker_from,
)
from ..common.outputs import check_outputs, model_files
from ..common.terminal import print_columns, progress_bar

TIMED = ("crop", "locate", "decode")
COLUMNS = (
    *("frame", "stamp_ns", "x", "y", "w", "h", "score", "state", "lost_frames", "branch"),
    *(*BRANCHES, *(f"{part}_ms" for part in TIMED)),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_source_arguments(parser)
    more = "again for each further target; default: the source's own truth"
    add_box(parser, more, select=True, action="append")
    add_paths(
        parser,
        {
            "--video PATH": "annotated .mp4 or .avi",
            "--csv PATH": "one row a frame and target; no box while the target is lost",
        },
    )
    add_tracker_arguments(parser)


def run(args: argparse.Namespace) -> int:
    from ...core.geometry.boxes import ABSENT
    from ...sources import open_source
    from ...sources.base import DEFAULT_FPS
    from ...sources.writer import VideoWriter
    from ..common.frames import tracked_frames

    check_outputs(
        [args.source, *model_files(args.model)], {"--video": args.video, "--csv": args.csv}
    )
    with ExitStack() as stack:
        source = stack.enter_context(open_source(args.source, topic=args.topic))
        frames = tracked_frames(source, args.box, args.frames, args.select)
        # Truth is of one target.
        truths = source.truth or {} if args.box is None or len(args.box) == 1 else {}
        several = args.box is not None and len(args.box) > 1
        targets = _targets(tracker_from(args), len(args.box or ()))
        table = csv.writer(stack.enter_context(growing(args.csv))) if args.csv else None
        video = None
        if args.video:
            video = stack.enter_context(VideoWriter(args.video, source.fps or DEFAULT_FPS))
        bar = stack.enter_context(progress_bar())
        task = bar.add_task("tracking", total=args.frames or source.length)
        # Of each frame state, score, last box and truth: results would fill the memory in hours.
        logs: list[list[tuple]] = [[] for _ in targets]
        seconds: list[float] = []
        for frame, boxes in frames:
            truth = truths.get(frame.index)
            if boxes:
                rows = _started(targets, frame.image, boxes)
            else:
                begin = time.perf_counter()
                rows = _update(targets, frame.image)
                seconds.append(time.perf_counter() - begin)
            if table:
                if not logs[0]:
                    table.writerow((*COLUMNS[:2], "target", *COLUMNS[2:]) if several else COLUMNS)
                table.writerows(_lines(frame, rows, several))
            for log, row, tracker in zip(logs, rows, targets, strict=True):
                name, box = row.state.name.lower(), tracker.last_box
                log.append((name, row.score, box, truth or ABSENT))
            if video:
                video.write(_drawn(frame.image, rows))
            bar.advance(task)
    common = [*_speed(seconds), ("engine", targets[0].engine.provider)]
    if truths:
        common.append(("truth", source.truth_origin))
    if levels := str(source.levels):
        common.append(("values seen as 0..255", levels))
    heads = [f"target {n}" for n in range(1, len(logs) + 1)] if several else ["value"]
    columns = {
        head: dict(_summary(*zip(*log, strict=True))) for head, log in zip(heads, logs, strict=True)
    }
    print_columns(columns, common, missing="0")
    return 0


def _targets(tracker, count: int) -> list:
    return [tracker, *(tracker.fork() for _ in range(1, count))]


def _started(targets: list, image, boxes) -> list:
    """Start each target on its box; returns their results."""
    from ...core.search import check_shown
    from ...core.state import TargetState
    from ...core.trackable import Result

    for tracker, box in zip(targets, boxes, strict=True):
        check_shown(image, box)
        tracker.init(image, box)
    return [Result(box, 1.0, TargetState.TRACKING) for box in boxes]


def _update(targets: list, image) -> list:
    from ...core.batch import update_all

    if len(targets) == 1:
        return [targets[0].update(image)]
    return update_all(targets, [image] * len(targets))


def _drawn(image, rows: list):
    from ...runtime.outputs.overlay import draw, draw_all

    if len(rows) == 1:
        (row,) = rows
        return draw(image, row.state.name, row.score, row.box, gate=row.gate)
    seen = [(str(n), row.state.name, row.score, row.box) for n, row in enumerate(rows, 1)]
    return draw_all(image, seen)


def _lines(frame, rows: list, several: bool) -> list[tuple]:
    """The CSV's lines about a frame, one for each target."""
    return [
        (frame.index, frame.stamp_ns, *([number] if several else []), *_cells(row))
        for number, row in enumerate(rows, 1)
    ]


def _cells(result) -> list:
    """What the CSV says of a target, after the frame; the first frame has no timings."""
    gate, timings = result.gate, result.timings
    cells: list = [f"{value:.2f}" for value in result.box] if result.box else [""] * 4
    cells += [f"{result.score:.4f}", result.state.name, result.lost_frames]
    cells += [gate.branch, *(f"{w:.4f}" for w in gate.weights)] if gate else [""] * 5
    return cells + [f"{timings[part]:.2f}" if part in timings else "" for part in TIMED]


def _summary(states: tuple, scores: tuple, boxes: tuple, truths: tuple) -> list[tuple[str, str]]:
    """Of one target, from each frame's state, score, last box and truth."""
    import numpy as np

    from ...evaluation import metrics

    rows = [("frames", str(len(states)))]
    rows += [(state, str(count)) for state, count in Counter(states).items()]
    rows.append(("mean score", f"{np.mean(scores):.3f}"))
    pred, truth = np.array(boxes, float), np.array(truths)
    known = ~np.isnan(truth).any(1)
    if known.sum() > 1:
        overlap = metrics.iou(pred[known], truth[known]).mean()
        few = metrics.few_frames(int(known.sum()), len(known))
        rows += [
            ("mean overlap", f"{overlap:.3f}{few}"),
            ("success AUC", f"{metrics.success_auc(pred, truth):.3f}{few}"),
            ("precision at 20 px", f"{metrics.precision(pred, truth):.3f}{few}"),
        ]
    return rows


def _speed(seconds: list[float]) -> list[tuple[str, str]]:
    import numpy as np

    from ...evaluation.metrics import percentiles

    if not seconds:
        return []
    milliseconds = percentiles(1e3 * np.array(seconds))
    return [
        ("frames/s", f"{1 / np.mean(seconds):.1f}"),
        ("ms a frame, p50 / p99", "{p50:.1f} / {p99:.1f}".format(**milliseconds)),
    ]
