"""A detector's boxes, applied to the targets: confirm, correct, find again, start."""

from collections.abc import Callable
from contextlib import suppress

import numpy as np

from ..core.errors import InputError
from ..core.geometry.boxes import Box, check_box, overlap, visible_part
from .answer import Answer
from .association import MIN_OVERLAP, assign, overlaps, same_class
from .frame_slot import ReceivedImage
from .requests import Detection, Policy, Proposal, Start
from .targets import Targets, Track

MAX_CANDIDATES = 8  # for one lost target; each costs a call of the network
AGREED = 0.7  # IoU of two boxes that need no correction
CONTRADICTIONS = 3  # of a target's class, in a row, until the detector is believed


class Detector:
    """Applies a detector's proposals to the targets.

    found_again: whether the last proposal found a lost target.
    """

    def __init__(self, targets: Targets, policy: Policy):
        self._targets, self._policy = targets, policy
        if policy.auto_correct or policy.auto_init or policy.auto_init_new:
            assign([], [])  # imports what it needs: later, that would hold up the first frames
        self.found_again = False
        self._contradictions: dict[str, int] = {}  # in a row, by id

    def consider(
        self,
        proposal: Proposal,
        frame: ReceivedImage,
        image: np.ndarray,
        wanted: Callable[[], bool] = lambda: True,
    ) -> tuple[list[Track], list[str]]:
        """Use what a detector found in ``frame``.

        Args:
            wanted: asked before each start whether it is still to be made.
        Returns:
            Tracks that were started and are still to be added, and a sentence for each box that
            cannot be used.
        """
        self.found_again = False
        if any(track.size != image.shape[1::-1] for track in self._targets.tracks):
            return [], []  # its pixels are other places; whether for good, the next frames show
        left, problems = _usable(proposal, image)
        seen = [track for track in self._targets.tracks if not track.tracker.given_up]
        where = [(track.target.class_id, self._targets.box_in(track, frame)) for track in seen]
        where = [
            (kind, box or track.tracker.last_box)
            for (kind, box), track in zip(where, seen, strict=True)
        ]
        pairs = assign(where, [(one.class_id, one.box) for one in left])
        if self._policy.auto_correct:
            boxed = [(track, box) for track, (_, box) in zip(seen, where, strict=True)]
            problems += self._contradicted(boxed, set(pairs), left, frame)
            for place, candidate in pairs.items():
                _correct(seen[place], where[place][1], left[candidate].box)
        left = [one for place, one in enumerate(left) if place not in set(pairs.values())]
        # What lies on a target is that target, whatever class it is taken for.
        left = _apart(left, [box for _, box in where], image)
        for track in self._targets.tracks:
            if track.tracker.given_up:
                left = self._find_again(track, left, frame, image)
        return self._start(left, frame, image, wanted), problems

    def _contradicted(
        self,
        seen: list[tuple[Track, Box]],
        agreed: set[int],
        candidates: list[Detection],
        frame: ReceivedImage,
    ) -> list[str]:
        """Give up targets that lie on what is of another class, time after time."""
        given_up, counts = [], {}
        for place, (track, box) in enumerate(seen):
            # What has no class may be anything.
            known = [one for one in candidates if one.class_id]
            there = [one.class_id for one in known if overlap(one.box, box) >= AGREED]
            if place in agreed or not there or not track.target.class_id:
                continue
            one = track.target.id
            counts[one] = self._contradictions.get(one, 0) + 1
            if counts[one] >= CONTRADICTIONS:
                track.tracker.lose()
                track.lost_since = frame.time
                given_up.append(
                    f"target {one}, a {track.target.class_id}, lies on what was seen as"
                    f" {there[0]} {CONTRADICTIONS} times: it was given up as lost"
                )
        self._contradictions = counts
        return given_up

    def _find_again(
        self, track: Track, left: list[Detection], frame: ReceivedImage, image: np.ndarray
    ) -> list[Detection]:
        """Look for a lost target in those of its class; returns who is then left."""
        boxes = [one.box for one in left if same_class(track.target.class_id, one.class_id)]
        result = track.tracker.recover(image, boxes[:MAX_CANDIDATES]) if boxes else None
        if result is None:
            return left
        self.found_again = True
        gate = track.tracker.gate
        self._targets.note(track, Answer.found(frame, image, track.target, result, gate=gate))
        return _apart(left, [result.box], image)

    def _start(
        self,
        left: list[Detection],
        frame: ReceivedImage,
        image: np.ndarray,
        wanted: Callable[[], bool],
    ) -> list[Track]:
        policy = self._policy
        begun: list[Track] = []
        if policy.auto_init_new:
            room = policy.max_targets - len(self._targets)
        else:
            room = int(policy.auto_init and not len(self._targets))
        for one in left:
            if len(begun) >= room or not wanted():
                break
            if not _apart([one], [other.tracker.last_box for other in begun], image):
                continue
            start = Start(one.box, class_id=one.class_id)
            begun.append(self._targets.start(start, frame, image, alone=False, beside=begun))
        return begun


def _usable(proposal: Proposal, image: np.ndarray) -> tuple[list[Detection], list[str]]:
    """Those whose boxes are in the image, and why the others are not."""
    usable, problems = [], []
    for candidate in proposal.candidates:
        try:
            check_box(candidate.box, image)
        except InputError as error:
            problems.append(str(error))
        else:
            usable.append(candidate)
    return usable, problems


def _apart(candidates: list[Detection], boxes: list[Box], image: np.ndarray) -> list[Detection]:
    """Those that lie on none of ``boxes``, as far as both are in the image.

    Some detectors guess what of a thing is outside; a target begins with what is inside.
    """
    if not candidates or not boxes:
        return candidates
    seen = [visible_part(one.box, image) for one in candidates]
    found = overlaps(seen, [visible_part(box, image) for box in boxes]).max(axis=1)
    return [one for one, most in zip(candidates, found, strict=True) if most < MIN_OVERLAP]


def _correct(track: Track, then: Box, detected: Box) -> None:
    """Move a target by what the tracker was wrong in the frame of the detection."""
    if overlap(then, detected) >= AGREED:
        return
    x, y, w, h = track.tracker.last_box
    # The detection is of the past: it tells the error, not the place.
    dx = detected[0] + detected[2] / 2 - then[0] - then[2] / 2
    dy = detected[1] + detected[3] / 2 - then[1] - then[3] / 2
    wide, high = w * detected[2] / then[2], h * detected[3] / then[3]
    with suppress(InputError):  # it has left the picture since
        track.tracker.correct((x + w / 2 + dx - wide / 2, y + h / 2 + dy - high / 2, wide, high))
