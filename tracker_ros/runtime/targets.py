"""All targets of one stream: a tracker for each, one call of the network for all.

The worker's thread uses it; ``clear``, ``remove`` and ``ids`` any thread, under the worker's lock.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from ..core.batch import locate_all, remember_all
from ..core.errors import InputError, TrackerError
from ..core.geometry.boxes import Box
from ..core.search import check_shown
from ..core.state import TargetState
from ..core.trackable import Result
from ..core.tracker import Tracker
from .answer import Answer, Target
from .collisions import Collisions, Sight
from .frame_slot import MAX_FRAMES, ReceivedImage
from .requests import Start
from .stream_clock import PERSISTENT


@dataclass
class Track:
    """A target, its tracker, and the number of the frame that it has come to.

    size: width and height of its images. lost_since: the stream's time (ns) when it was lost.
    given_up: see ``Tracker.given_up``; in the frame that it has come to.
    misfits: how many images in a row, up to the last, had another size.
    """

    target: Target
    tracker: Tracker
    size: tuple[int, int]
    last: int
    lost_since: int | None = None
    given_up: bool = False
    misfits: int = 0


class Located(NamedTuple):
    """Tracks with a result, why others have none, and which was given up (a sentence each)."""

    tracks: list[Track]
    problems: list[str]
    yielded: list[str]


class Targets:
    """Starts, locates and remembers; knows what was answered in the last frames."""

    def __init__(self, tracker: Tracker, ids: Iterator[int] | None = None):
        self._tracker = tracker
        self._ids = ids or itertools.count(1)
        self._tracks: dict[str, Track] = {}
        self._collisions = Collisions()
        self._answers: dict[int, dict[str, Answer]] = {}  # by number of the frame, without it

    def __len__(self) -> int:
        return len(self._tracks)

    def __contains__(self, target_id: str) -> bool:
        return target_id in self._tracks

    def clear(self) -> bool:
        """Forget all; returns whether there was one."""
        had = bool(self._tracks)
        self._tracks, self._answers = {}, {}
        return had

    def remove(self, target_id: str) -> bool:
        """Forget one; returns whether it was there."""
        return self._tracks.pop(target_id, None) is not None

    def rest(self) -> None:
        """Free what the tracker still holds of targets that are gone."""
        if not self._tracks:
            self._tracker.reset()

    @property
    def tracks(self) -> list[Track]:
        """In the order of their starts."""
        return list(self._tracks.values())

    def start(
        self,
        start: Start,
        frame: ReceivedImage,
        image: np.ndarray,
        alone: bool,
        beside: Sequence[Track] = (),
    ) -> Track:
        """A track for ``start`` that is not live yet; see ``add``.

        alone: the other targets will be removed. beside: other tracks that are not live yet.
        Raises InputError, and nothing changes, if box or image cannot be used.
        """
        if alone:  # of several, one may well be on a plain wall
            check_shown(image, start.box)
        old = self._tracks.get(start.id)
        if alone:
            tracker = self._tracker
        elif old:
            tracker = old.tracker
        elif any(track.tracker is self._tracker for track in (*self.tracks, *beside)):
            tracker = self._tracker.fork()
        else:
            tracker = self._tracker
        tracker.init(image, start.box)
        # The next number that nobody has been given by name.
        new = start.id or next(one for one in map(str, self._ids) if one not in self._tracks)
        target = Target(new, start.class_id, frame.stamp)
        return Track(target, tracker, image.shape[1::-1], frame.number)

    def add(self, track: Track, frame: ReceivedImage, image: np.ndarray) -> None:
        """Make a started track live: from now on answers include it."""
        self._tracks[track.target.id] = track
        # The tracker's box: the part of the start's that is in the image.
        box, gate, state = track.tracker.last_box, track.tracker.gate, TargetState.TRACKING.name
        self.note(track, Answer(frame, image, track.target, None, box, state, 1.0, gate=gate))

    def note(self, track: Track, answer: Answer) -> None:
        """Store the answer about a target in a frame."""
        frame = answer.frame
        track.last, track.given_up = frame.number, track.tracker.given_up
        if answer.result is None:
            pass  # a start, or an error, in which nobody looked for the target
        elif answer.result.state is not TargetState.LOST:
            track.lost_since = None
        elif track.lost_since is None:
            track.lost_since = frame.time
        # Pixels and message are not kept for as long.
        kept = replace(answer, frame=None, image=None, memory_size=track.tracker.memory_size)
        self._answers.setdefault(frame.number, {})[track.target.id] = kept
        while len(self._answers) > MAX_FRAMES:
            del self._answers[min(self._answers)]

    def answer(self, frame: ReceivedImage, image: np.ndarray, levels: str = "") -> Answer:
        """All that is known about a frame and the targets that are live."""
        noted = self._answers.get(frame.number, {})
        known = [
            replace(
                noted[one],
                frame=frame,
                image=image,
                levels=levels,
                # Of a frame that is answered again it was told the first time.
                gate=noted[one].gate if track.last == frame.number else None,
                knows=track.tracker.state,
            )
            for one, track in self._tracks.items()
            if one in noted and noted[one].target is track.target
        ]
        if not known:
            return Answer(frame, image, levels=levels)
        return replace(known[0], others=tuple(known[1:]))

    def box_in(self, track: Track, frame: ReceivedImage) -> Box | None:
        """Where a target was in a frame; where it is now, if that was before its start."""
        noted = self._answers.get(frame.number, {}).get(track.target.id)
        return noted.box if noted else track.tracker.last_box

    def locate(self, frame: ReceivedImage, image: np.ndarray) -> Located:
        """Locate all targets that were not located in this frame yet.

        Raises:
            Exception: whatever an engine raises that is not a TrackerError.
        """
        behind = [track for track in self.tracks if track.last < frame.number]
        problems, fitting = [], []
        for track in behind:
            if image.shape[1::-1] == track.size:
                track.misfits = 0
                fitting.append(track)
                continue
            track.misfits += 1
            problem = InputError(f"image is {_sizes(image, track)} when the target was initialised")
            problems.append(self._fail(track, frame, image, problem))
        found = []
        for track, result in zip(fitting, _results(fitting, image), strict=True):
            if isinstance(result, TrackerError):
                problems.append(self._fail(track, frame, image, result))
            else:
                found.append((track, result))
        yielded = self._settle(found, frame, image)
        return Located([track for track, _ in found], problems, yielded)

    def _fail(self, track: Track, frame: ReceivedImage, image, error: TrackerError) -> str:
        self.note(track, Answer(frame, image, track.target, state="ERROR", problem=str(error)))
        return str(error)

    def _settle(self, found: list[tuple[Track, Result]], frame: ReceivedImage, image) -> list[str]:
        """Note the results; of targets that lie on each other one is given up."""
        sights = [
            Sight(track.target.id, track.tracker.last_box, result.score, track.given_up)
            for track, result in found
            if not track.tracker.given_up  # what is unseen for a moment is still there
        ]
        losers = self._collisions.yielding(sights, self._tracks)
        for track, result in found:
            if track.target.id in losers:
                track.tracker.lose(self._collisions.last_apart(track.target.id))
                lost = max(result.lost_frames, 1)
                result = replace(result, box=None, state=TargetState.LOST, lost_frames=lost)
            self.note(track, Answer.found(frame, image, track.target, result))
        return [
            f"targets {winner} and {loser} lay on each other: {loser}, whose memory agrees less,"
            " was given up as lost"
            for loser, winner in losers.items()
        ]

    def remember(self, tracks: Sequence[Track], frame: ReceivedImage) -> None:
        """Memorise what was located."""
        # Some may have been forgotten or replaced since.
        live = [track for track in tracks if self._tracks.get(track.target.id) is track]
        if len(live) == 1:
            gates = [live[0].tracker.remember()]
        else:
            gates = remember_all([track.tracker for track in live])
        noted = self._answers.get(frame.number, {})
        for track, gate in zip(live, gates, strict=True):
            one, size = track.target.id, track.tracker.memory_size
            if one in noted:
                noted[one] = replace(noted[one], gate=gate, memory_size=size)

    def overdue(self, frame: ReceivedImage, seconds: float) -> list[str]:
        """Ids of targets that have been lost for longer; none where ``seconds`` is 0."""
        lost = {one: track.lost_since for one, track in self._tracks.items() if seconds}
        latest = frame.time - seconds * 1e9
        return [one for one, since in lost.items() if since is not None and since <= latest]

    def drop_outgrown(self, image: np.ndarray) -> list[str]:
        """Forget targets whose images have another size for good; a sentence about each."""
        said = []
        for one, track in list(self._tracks.items()):
            if track.misfits >= PERSISTENT:
                said.append(
                    f"target {one} was dropped: for {PERSISTENT} frames in a row the image is"
                    f" {_sizes(image, track)} when it was initialised"
                )
                self.remove(one)
        return said


def _sizes(image: np.ndarray, track: Track) -> str:
    return "{}x{} pixels, but was {}x{}".format(*image.shape[1::-1], *track.size)


def _results(tracks: list[Track], image: np.ndarray) -> list[Result | TrackerError]:
    """Each tracker's result in ``image``, or the error instead."""
    if len(tracks) > 1:
        try:
            return list(locate_all([track.tracker for track in tracks], [image] * len(tracks)))
        except TrackerError:
            pass  # each by itself, so that one does not take the others with it
    results: list[Result | TrackerError] = []
    for track in tracks:
        try:
            results.append(track.tracker.locate(image))
        except TrackerError as error:
            results.append(error)
    return results
