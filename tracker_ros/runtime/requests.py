"""Requests to the worker, and the policy of what it may do by itself."""

from collections.abc import Set
from dataclasses import dataclass, replace

from ..core.geometry.boxes import Box


@dataclass(frozen=True)
class Start:
    """A request to track what is in ``box`` in the frame stamped ``stamp`` (ns; 0: the newest).

    frame_id: the coordinate frame of the box; empty: that of the image. id: the target's id; empty
    for a new number.
    """

    box: Box
    stamp: int = 0
    id: str = ""
    class_id: str = ""
    frame_id: str = ""


@dataclass(frozen=True)
class Starts:
    """Several starts at once.

    alone: they replace all targets; otherwise they are added, and a target whose id is already
    tracked starts afresh. problems: a sentence for each start of the message that cannot be used.
    """

    entries: tuple[Start, ...]
    alone: bool = False
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Detection:
    """An object that a detector found, and its class."""

    box: Box
    class_id: str


@dataclass(frozen=True)
class Proposal:
    """What a detector found in the frame stamped ``stamp``, the surest first."""

    candidates: tuple[Detection, ...]
    stamp: int = 0
    frame_id: str = ""


def left_of(waiting: Starts | Proposal, new: Starts | Proposal) -> Starts | Proposal | None:
    """What is still to be done of a request that waits when a ``new`` one comes; None: nothing.

    Of several proposals the last one counts. Starts that replace all targets replace all starts;
    others those of their ids: a start takes longer than a frame, and who asks more often would else
    be served with boxes of ever longer ago.
    """
    if isinstance(waiting, Proposal) or isinstance(new, Proposal):
        return None if type(waiting) is type(new) else waiting
    if new.alone:
        return None
    if waiting.alone:
        return waiting
    return without(waiting, {one.id for one in new.entries})


def without(waiting: Starts | Proposal, ids: Set[str]) -> Starts | Proposal | None:
    """What is still to be done of a request where targets of these ids are not to be started."""
    if isinstance(waiting, Proposal):
        return waiting
    entries = tuple(one for one in waiting.entries if not one.id or one.id not in ids)
    if len(entries) == len(waiting.entries):
        return waiting
    return replace(waiting, entries=entries) if entries or waiting.problems else None


@dataclass(frozen=True)
class Policy:
    """What the worker does by itself: parameters of the tracker node, by their names.

    max_targets: how many are tracked at once. remove_lost_after: seconds after which a lost target
    is removed; 0: never. auto_correct: move a target to where a detector sees it. auto_init: start
    on a detection while nothing is tracked. auto_init_new: start on every detection that is no
    target yet.
    """

    max_targets: int = 1
    remove_lost_after: float = 0.0
    auto_correct: bool = False
    auto_init: bool = True
    auto_init_new: bool = False
