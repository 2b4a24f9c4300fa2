"""Many targets in one call of the network; each target has its own tracker."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from time import perf_counter

import numpy as np

from .engine import Example, Query
from .errors import ParameterError
from .gate import Gate
from .geometry.camera import Backgrounds
from .recovery import AT_ONCE
from .trackable import Result
from .tracker import Tracker

# How many targets may do this in one frame; those that have waited for longest come first. If all
# did it in the same frame, frames would be dropped. Waiting costs accuracy only with many targets:
# of ten, each has its turn within five frames, which costs nothing (docs/performance.md).
RESCALED = 2  # look at another scale
MEMORISED = 2  # memorise it


def update_all(trackers: Iterable[Tracker], images: Iterable[np.ndarray]) -> list[Result]:
    """``Tracker.update`` for every tracker in its image, all in one call of the network.

    It is ``locate_all``, then ``remember_all``: see the first for arguments and errors.
    """
    trackers = _listed(trackers, "trackers")
    results = locate_all(trackers, images)
    remember_all(trackers)
    return results


def locate_all(trackers: Iterable[Tracker], images: Iterable[np.ndarray]) -> list[Result]:
    """What ``Tracker.locate`` finds for every tracker in its image, all in one call.

    Args:
        trackers: forks of one tracker, each with a target; no two are the same.
        images: uint8 [H, W, 3] BGR, one for each tracker: the same one for targets in one stream,
            different ones for targets of several cameras.
    Returns:
        A result for each tracker; the time of ``locate`` is the whole call's.
    Raises:
        ParameterError: what are no trackers, or do not share an engine; not one image for each.
        InputError, TrackerError: as ``Tracker.locate``. Then no target has moved, except where the
            error is that the network's answer for one of them cannot be used.
    """
    trackers, images = _checked(trackers), _listed(images, "images")
    if len(images) != len(trackers):
        raise ParameterError(f"{len(trackers)} trackers need as many images, not {len(images)}")
    if not trackers:
        return []
    engine = trackers[0].engine
    due = _first(trackers, RESCALED, lambda one: one.rescaling)
    told = Backgrounds()
    searches = [
        one.search(image, id(one) in due, told) for one, image in zip(trackers, images, strict=True)
    ]
    begin = perf_counter()
    pairs = zip(searches, trackers, strict=True)
    answers = engine.locate_all([Query(one.crop, whose.state, one.look) for one, whose in pairs])
    taken = 1e3 * (perf_counter() - begin)
    # A lost target asks the engine again: of several, each in one place, for frames not to drop.
    places = 1 if len(trackers) > 1 else AT_ONCE
    return engine.each(
        lambda row: row[0].settle(row[1], *row[2], taken, places),
        list(zip(trackers, searches, answers, strict=True)),
    )


def remember_all(trackers: Iterable[Tracker]) -> list[Gate | None]:
    """What ``Tracker.remember`` does for every tracker, all in one call.

    Returns the gate's decision for each, None where nothing was memorised. Raises ParameterError
    for what are no trackers, or do not share an engine.
    """
    trackers = _checked(trackers)
    due = _first(trackers, MEMORISED, lambda one: one.pending)
    learners = [one for one in trackers if id(one) in due]
    if not learners:
        return [None] * len(trackers)
    taught = ((one.memory_sample(), one.state) for one in learners)
    engine = trackers[0].engine
    states = engine.remember_all([Example(*sample, state) for sample, state in taught if sample])
    gates = {id(one): one.learn(state) for one, state in zip(learners, states, strict=True)}
    return [gates.get(id(one)) for one in trackers]


def _first(trackers: Sequence[Tracker], most: int, waited: Callable[[Tracker], int]) -> set[int]:
    """Of those that have waited, the ``most`` that have for longest, as their ids."""
    waiting = sorted(filter(waited, trackers), key=waited, reverse=True)
    return {id(one) for one in waiting[:most]}


def _checked(trackers: Iterable[Tracker]) -> list[Tracker]:
    """Trackers that may be asked together. Raises ParameterError."""
    listed = _listed(trackers, "trackers")
    for number, one in enumerate(listed, 1):
        if not isinstance(one, Tracker):
            raise ParameterError(
                f"number {number} of the trackers is {type(one).__name__}, not a Tracker, as"
                " load_tracker() and fork() make it"
            )
    if len({id(one) for one in listed}) < len(listed):
        raise ParameterError("a tracker was given twice: every target needs one of its own")
    if len({id(one.engine) for one in listed}) > 1:
        raise ParameterError("the trackers do not share an engine: make them with fork()")
    return listed


def _listed(values: Iterable, name: str) -> list:
    try:
        return list(values)
    except TypeError:
        raise ParameterError(f"{name} is {type(values).__name__}, not a list of them") from None
