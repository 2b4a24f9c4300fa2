"""Live replay of the same recording: player and tracker node over DDS, against the other."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..core.errors import TrackerError
from ..core.geometry.boxes import iou
from ..core.io.files import write_json
from ..evaluation.metrics import percentiles, success_auc
from ..evaluation.results import SequenceResult
from ..sources.bag.source import BagSource
from . import session
from .summary import Output, boxes_had


def run_live(
    source: BagSource,
    tracker: dict[str, object],
    result: SequenceResult,
    frames: list[int],
    path: Path,
    on_frame: Callable[[int], object],
) -> dict[str, object]:
    """Play ``source`` in real time to a tracker node and compare with its ``result`` in the replay.

    tracker: parameters of the node. frames: the indices of the images that can be read; the last
    ones are those of ``result``. path: the bag to write of what was published; what the nodes say
    goes beside it, as PATH.log, and what is returned, ``compare``'s numbers, as PATH.json. Raises
    TrackerError as ``session.play``.
    """
    player = {
        "source": str(source.recording.path),
        "topic": source.topic,
        "image_transport": "raw",  # the same pixels as in the replay
        "init_bbox": ",".join(map(str, result.boxes[0])),
        "init_frame": frames[-len(result)],
    }
    logs = path.with_name(path.name + ".log")
    played = session.play(player, tracker, path, logs, on_frame)
    heard, before = len(played.stamps), len(frames) - len(result)
    if heard != len(frames):
        raise TrackerError(f"{heard} of {len(frames)} images were heard on their way")
    outputs = {place - before: out for place, out in played.outputs().items() if place >= before}
    numbers = {"provider": played.provider, **compare(outputs, result)}
    write_json(path.with_name(path.name + ".json"), numbers)
    return numbers


def compare(outputs: dict[int, Output], result: SequenceResult) -> dict[str, object]:
    """What live playing costs. outputs: by the row of ``result``; rows without one were dropped.

    frames, dropped: counts. latency_p50_ms, latency_p99_ms: from the image's stamp to its box.
    overlap: mean IoU with the replay's boxes, over the frames where it published one. Where there
    is truth: success AUC of the boxes that a subscriber has live (``boxes_had``) and in the replay,
    and the loss from one to the other.
    """
    live = boxes_had(len(result), outputs)
    replayed = np.where(result.lost[:, None], np.nan, result.boxes)
    shown = ~np.isnan(replayed).any(1)
    taken = [output.latency_ms for output in outputs.values()]
    latency = percentiles(taken) if taken else {"p50": np.nan, "p99": np.nan}
    numbers = {
        "frames": len(result),
        "dropped": len(result) - len(outputs),
        "latency_p50_ms": latency["p50"],
        "latency_p99_ms": latency["p99"],
        "overlap": float(iou(live[shown], replayed[shown]).mean()) if shown.any() else None,
    }
    if (result.scored & ~np.isnan(result.truth).any(1)).any():
        auc, auc_replay = (success_auc(boxes, result.truth) for boxes in (live, replayed))
        numbers |= {"auc": auc, "auc_replay": auc_replay, "auc_loss": auc_replay - auc}
    return numbers
