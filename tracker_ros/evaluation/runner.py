"""One-pass evaluation: a tracker starts on the first true box and sees every frame once.

The protocols score a box on every frame. While a tracker calls its target lost it publishes none
(``Result.box`` is None); what is scored then is ``tracker.last_box``, its internal estimate.
"""

import time
from collections.abc import Callable

import numpy as np

from ..core.gate import BRANCHES
from ..sources.sequences import Sequence
from .results import SequenceResult


def run_sequence(
    tracker, sequence: Sequence, on_frame: Callable[[], object] = lambda: None
) -> SequenceResult:
    """Run ``tracker`` (its ``init`` forgets the past) over ``sequence``; raises as these two do.

    on_frame is called after each frame, for progress.
    """
    count = len(sequence)
    boxes = np.empty((count, 4))
    scores, seconds, lost = np.ones(count), np.empty(count), np.zeros(count, bool)
    gates, branches = np.full((count, 4), np.nan, np.float32), np.full(count, -1, np.int8)
    for i, image in enumerate(sequence.images()):
        start = time.perf_counter()
        if i == 0:
            size = image.shape[1], image.shape[0]
            tracker.init(image, tuple(map(float, sequence.truth[0])))
            seconds[i] = time.perf_counter() - start
            boxes[i] = sequence.truth[0]
        else:
            result = tracker.update(image)
            seconds[i] = time.perf_counter() - start
            boxes[i] = tracker.last_box
            scores[i], lost[i] = result.score, result.box is None
            if result.gate is not None:
                gates[i], branches[i] = result.gate.weights, BRANCHES.index(result.gate.branch)
        on_frame()
    return SequenceResult(
        sequence.name,
        boxes,
        sequence.truth,
        scores,
        seconds,
        lost,
        gates,
        branches,
        sequence.scored,
        size,
        sequence.attributes,
        tuple(map(str, sequence.paths)),
    )
