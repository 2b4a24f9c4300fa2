"""One-pass evaluation: a tracker starts on the first true box and sees every frame once.

The protocols score a box on every frame. While a tracker calls its target lost it publishes none
(``Result.box`` is None); what is scored then is ``tracker.last_box``, its internal estimate.
"""

import logging
import time
from collections.abc import Callable

import numpy as np

from ..core.errors import InputError
from ..core.gate import BRANCHES
from ..core.trackable import Trackable
from ..sources.sequences import Sequence
from ..sources.sizes import OneSize
from .peers import PeerError
from .results import SequenceResult

logger = logging.getLogger(__name__)


def run_sequence(
    tracker: Trackable, sequence: Sequence, on_frame: Callable[[], object] = lambda: None
) -> SequenceResult:
    """Run ``tracker`` (its ``init`` forgets the past) over ``sequence``; raises as these two do.

    A peer that fails loses the rest of the sequence, which is told. on_frame is called for each
    frame, for progress.
    """
    count = len(sequence)
    boxes, seconds = np.full((count, 4), np.nan), np.full(count, np.nan)
    scores, lost = np.zeros(count), np.ones(count, bool)
    boxes[0], scores[0], lost[0] = sequence.truth[0], 1.0, False
    gates, branches = np.full((count, 4), np.nan, np.float32), np.full(count, -1, np.int8)
    problem = None
    with OneSize(sequence.name, "were looked at as they are") as sizes:
        for i, image in enumerate(sequence.images()):
            on_frame()
            sizes.fits(image, sequence.paths[i].name)
            if problem:
                continue
            start = time.perf_counter()
            try:
                if i == 0:
                    size = image.shape[1], image.shape[0]
                    _init(tracker, image, sequence)
                    seconds[i] = time.perf_counter() - start
                    continue
                result = tracker.update(image)
            except PeerError as error:
                problem = str(error)
                continue
            seconds[i] = time.perf_counter() - start
            boxes[i] = tracker.last_box
            scores[i], lost[i] = result.score, result.box is None
            if result.gate is not None:
                gates[i], branches[i] = result.gate.weights, BRANCHES.index(result.gate.branch)
    if problem:
        logger.warning("%s is lost by a peer: %s", sequence.name, problem)
    return SequenceResult(
        sequence=sequence.name,
        boxes=boxes,
        truth=sequence.truth,
        scores=scores,
        seconds=seconds,
        lost=lost,
        gates=gates,
        branches=branches,
        scored=sequence.scored,
        size=size,
        attributes=sequence.attributes,
        pictures=tuple(map(str, sequence.paths)),
    )


def _init(tracker: Trackable, image: np.ndarray, sequence: Sequence) -> None:
    try:
        tracker.init(image, tuple(map(float, sequence.truth[0])))
    except InputError as error:
        raise InputError(f"{sequence.name}: {error}") from error
