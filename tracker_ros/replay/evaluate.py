"""One tracker on one image topic of a bag: results, a table of frames and a bag, in a folder.

Beside FOLDER/TRACKER/SEQUENCE.npz (``evaluation.results``) are written
    SEQUENCE.csv             what is known of each frame, in columns that --truth reads, too
    SEQUENCE.json            the topic, the start, the truth's origin, what could not be read
    SEQUENCE/                a bag of what the node would have published: see ``outputs``
    SEQUENCE.foxglove.json   a layout that shows it
and by playing live SEQUENCE.live/, SEQUENCE.live.json and the nodes' SEQUENCE.live.log/. All but
these and SEQUENCE.seconds.npy are the same bytes in every run.
"""

import csv
import os
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from ..core.io.files import UNTOLD, naming, write_json
from ..core.io.paths import real
from ..evaluation.results import SequenceResult, result_path
from ..sources.bag.source import BagSource
from ..sources.bag.writer import replace_bag
from .deterministic import ReplayedFrame, ReplayLog, replay
from .outputs import OutputBag, write_layout
from .truth import Truth

COLUMNS = ("frame", "stamp_ns", "x", "y", "w", "h", "score", "state", "lost_frames", "branch")


def sequence_name(source: BagSource) -> str:
    """The bag's name and the topic's, with "-" for "/", which topics do not have."""
    bag = real(source.recording.path)
    return f"{bag.stem if bag.is_file() else bag.name}{source.topic.replace('/', '-')}"


def evaluate(
    name: str,
    tracker,
    source: BagSource,
    truth: Truth,
    folder: Path,
    *,
    images: bool,
    debug_images: bool,
    on_frame: Callable[[], object],
) -> tuple[SequenceResult, list[int]]:
    """Replay ``source`` and write everything about it, or nothing if that fails or is interrupted.

    images: copy them into the bag. debug_images: write those with the overlay, too.
    Returns the result and the indices of the images that could be read. Raises as ``replay`` does.
    """
    path = result_path(folder, name, sequence_name(source))
    path.parent.mkdir(parents=True, exist_ok=True)
    log, frames, problems = ReplayLog(truth), [], Counter()
    where = None if images else os.path.relpath(source.recording.path, path.with_suffix(""))
    with tempfile.TemporaryDirectory(prefix=".part-", dir=path.parent) as part:
        bag = Path(part) / path.stem
        table = Path(part) / "table.csv"
        with (
            naming(path.parent),  # of a full disk the last to know may be the table
            table.open("w", newline="", encoding="utf-8", errors=UNTOLD) as file,
            OutputBag(bag, source, truth, where, debug_images) as outputs,
        ):
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(COLUMNS)
            for step in replay(tracker, source, truth, lambda text: problems.update([text])):
                frames.append(step.frame.index)
                log.add(step)
                rows.writerow(_row(step))
                outputs.add(step)
                on_frame()
        result = log.result(path.stem)
        for sentence, count in problems.items():
            times = f" ({count} times)" if count > 1 else ""
            source.recording.warn(f"{name} on {source.topic}: {sentence}{times}")
        replace_bag(bag, path.with_suffix(""))
        os.replace(table, path.with_suffix(".csv"))
    write_layout(path.with_suffix(".foxglove.json"), source.topic)
    write_json(path.with_suffix(".json"), _about(source, truth, result, frames))
    result.save(path)  # the last one: it says that the others are there
    return result, frames


def _about(source: BagSource, truth: Truth, result: SequenceResult, frames: list[int]) -> dict:
    """What SEQUENCE.json says."""
    start = frames[-len(result)]
    return {
        "bag": source.recording.path.name,
        "topic": source.topic,
        "images": source.length,
        "unreadable": source.length - len(frames),
        "start": {
            "frame": start,
            "stamp_ns": source.stamps[start],
            "box": list(result.boxes[0]),
        },
        "truth": truth.origin,
        "with_truth": int(result.scored.sum()),
        "problems": source.recording.problems,
    }


def _row(step: ReplayedFrame) -> list:
    answer = step.answer
    result = answer.result
    return [
        step.frame.index,
        step.frame.stamp_ns,
        *(map(float, answer.box) if answer.box else [""] * 4),
        float(answer.score),
        answer.state,
        result.lost_frames if result else 0,
        result.gate.branch if result and result.gate else "",
    ]
