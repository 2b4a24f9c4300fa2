"""Search for a target that is not where it was: beside that, and, once lost, all over the image."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .engine import Engine, Look, Query, State
from .geometry.boxes import Box, clip_box, overlap, scaled, shifted
from .geometry.crop import crop
from .geometry.decode import Prediction, decode
from .online.colours import Colours
from .online.trust import Trust
from .search import Search, search_window
from .state import Presence

PATIENCE = 12  # frames at the place itself, where most occlusions end
RECOVER_OVERLAP = 0.3  # of a candidate's box with what is found around it
ASIDE = 1.0  # sides of the target, across and down, from its window to the four beside it
ASIDE_SCORE = 0.95  # of a target that is taken for one that went too fast, not for its like
REACH = 2.3  # of its sides, that it goes in one frame: farther off, nearly all is its like
BESIDE = 0.75  # of what more must speak for what is elsewhere, for what is in those
AT_ONCE = 3  # places in one frame
MOST_PLACES = 40  # all of the image within half a second
RESIZED = 1.4, 0.71  # times its size: so a find is looked at again, for it may be nearer now
HESITATION = 1.0  # so much more must speak for another size
HOPELESS = -4.0  # what so little speaks for is not looked at in another size
COARSEST = 2.0  # times the target's side: coarser, the target has too few pixels to be known


class Find(NamedTuple):
    """What is in one window: box (x, y, width, height, image pixels), score, the engine's answer.

    ``state``: the engine's, with this window as the one that was located last.
    """

    box: Box
    score: float
    prediction: Prediction
    state: State


class Answer(NamedTuple):
    """A search in another window, and what the engine answers."""

    search: Search
    prediction: Prediction
    state: State


@dataclass(frozen=True)
class Recovery:
    """One image, uint8 [H, W, 3] BGR, and what is known of the target that may be in it.

    Attributes:
        state: the engine's; first: the one after the first frame. trust, colours: see their
            classes; no colours with a network that stands alone.
    """

    engine: Engine
    image: np.ndarray
    state: State
    first: State
    trust: Trust
    colours: Colours | None

    def best(self, candidates: Sequence[Box]) -> Find | None:
        """What the memory agrees with most around one of ``candidates``; None if with nothing.

        It agrees where it finds the target with ``recover_score`` at least, in a box that overlaps
        the candidate by ``RECOVER_OVERLAP``.
        """
        finds = self._look(candidates, self.state, thorough=True) if candidates else []
        finds = [find._replace(box=self._clip(find.box)) for find in finds]
        agreed = [
            find
            for find, box in zip(finds, candidates, strict=True)
            if find.score >= self.engine.tracking.recover_score and self._same(find, box)
        ]
        return max(agreed, key=lambda find: find.score, default=None)

    def instead(self, search: Search, box: Box, prediction: Prediction) -> Answer | None:
        """The target in the window around ``box``, where it may have gone as well.

        None if it does not answer there as one that is TRACKING does, and better than in
        ``prediction``, the answer to ``search``.
        """
        least = max(float(prediction.score.max()), self.engine.tracking.tracking_score)
        there = self._ask(search, box)
        return there if float(there.prediction.score.max()) > least else None

    def aside(self, search: Search, box: Box, prediction: Prediction) -> Answer | None:
        """The target, gone too fast for the window around ``box``, in one of four beside it.

        None if it does not answer there better than in ``prediction``, the answer to ``search``.
        """
        w, h = box[2:]
        side = math.sqrt(w * h)
        step = ASIDE * side
        corners = ((-step, -step), (step, -step), (-step, step), (step, step))
        finds = self._look([shifted(box, corner) for corner in corners], self.state, box)
        best = max(finds, key=lambda find: find.score)
        left, top, across, down = best.box
        place = left + (across - w) / 2, top + (down - h) / 2, w, h
        if best.score < ASIDE_SCORE or math.dist(place[:2], box[:2]) > REACH * side:
            return None
        there = self._ask(search, place)
        better = there.prediction.score.max() > prediction.score.max()
        return there if better and self._speaks(there.prediction, place, BESIDE) >= 0 else None

    def _ask(self, search: Search, box: Box) -> Answer:
        """Everything about the window around ``box``, in the same image as ``search``."""
        window = search_window(box, self.engine.tracking)
        query = crop(self.image, window)
        look = Look(query, 1.0)
        answer, after = self.engine.locate(query, self.state, look)
        search = search._replace(window=window, crop=query, other=None, look=look)
        return Answer(search, answer.checked(), after)

    def further(
        self, found: Box, score: float, sure: Box, presence: Presence, places: int
    ) -> tuple[Box, float]:
        """Windows elsewhere, after ``PATIENCE``; what is not this target to the network is no find.

        Args:
            found, score: what is in the window where it is thought to be.
            sure: where it was in the last frame that was TRACKING.
            places: how many windows elsewhere; a network without an online part has one.
        Returns:
            A box in the image and its score, one of these or of a window elsewhere.
        """
        config, size, online = self.engine.tracking, self.image.shape[1::-1], self.engine.responds
        waited, farther = presence.searched - PATIENCE, False
        if waited > 0 and not presence.strong:
            count = places if online else 1
            boxes = elsewhere(sure, size, config.search_factor)
            first = (waited - 1) * count
            around = [boxes[(first + i) % len(boxes)] for i in range(count)]
            best = max(self._look(around, self.state, sure), key=lambda find: find.score)
            if best.score > score:
                found, score, farther = best.box, best.score, True
        if score >= config.recover_score:
            # Of several targets each keeps to its size: a part of another's would be taken for it.
            second = self._again(found, sure, farther, RESIZED if places > 1 else ())
            # Without a second there is nothing to recover.
            found, score = (found, 0.0) if second is None else (second, score)
        return found, score

    def _again(self, found: Box, sure: Box, farther: float, sizes: Sequence[float]) -> Box | None:
        """A second look at what was ``found``: its box, in the size for which most speaks.

        None if it is not this target. ``sure``: as for ``further``. ``sizes``: times its own.
        """
        config, online = self.engine.tracking, self.engine.responds
        if not online:  # says of everything alike that it may be it: the first frame decides
            (second,) = self._look([self._clip(found)], self.first, sure)
            known = second.score >= config.tracking_score and self._same(second, found)
            return found if known else None
        (own,) = self._look([self._clip(found)], self.state, thorough=True)
        said = self._speaks(own.prediction, own.box, farther)
        if said < HOPELESS:
            sizes = ()
        best, most = None, 0.0
        if said >= most and own.score >= config.recover_score and _at(own, found):
            best, most = found, said
        boxes = [self._clip(scaled(found, factor, factor)) for factor in sizes]
        finds = self._look(boxes, self.state, thorough=True) if boxes else []
        for find, box in zip(finds, boxes, strict=True):
            said = self._speaks(find.prediction, find.box, farther) - HESITATION
            if said >= most and find.score >= config.recover_score and _at(find, box):
                best, most = find.box, said
        return best

    def _same(self, find: Find, box: Box, farther: float = 0.0) -> bool:
        """Whether a find is at ``box``, and this target to the network (see ``Trust.speaks``)."""
        return _at(find, box) and self._speaks(find.prediction, find.box, farther) >= 0

    def _speaks(self, answer: Prediction, box: Box, farther: float) -> float:
        """See ``Trust.speaks``."""
        asked = self.colours if answer.refined is not None else None  # else they do not count
        colours = asked.speak_for(self.image, box) if asked else 0.0
        return self.trust.speaks(answer, farther, colours)

    def _clip(self, box: Box) -> Box:
        return clip_box(box, self.image, self.engine.tracking.minimum_side)

    def _look(
        self,
        places: Sequence[Box],
        state: State,
        size_of: Box | None = None,
        thorough: bool = False,
    ) -> list[Find]:
        """What is in the windows around ``places``, given what ``state`` knows of the target.

        ``size_of``: a box of the size that it had; None: each place's own. ``thorough``: ask an
        engine that responds for the network's opinion.
        """
        config = self.engine.tracking
        windows = [search_window(box, config) for box in places]
        crops = [crop(self.image, window) for window in windows]
        ask = thorough and self.engine.responds
        answers = self.engine.locate_all(
            [Query(one, state, Look(one, 1.0) if ask else None) for one in crops]
        )
        finds = []
        for place, window, (prediction, after) in zip(places, windows, answers, strict=True):
            w, h = (side * window.scale for side in (size_of or place)[2:])
            seen = self.trust.seen(prediction.strength)
            found = decode(prediction.checked(), (w, h), config, seen=seen)
            box = window.to_image(found.box)
            finds.append(Find(box, found.score, prediction, after))
        return finds


def _at(find: Find, box: Box) -> bool:
    """Whether what was found around ``box`` is there."""
    return overlap(find.box, box) >= RECOVER_OVERLAP


def elsewhere(box: Box, size: tuple[int, int], factor: float) -> list[Box]:
    """The boxes to centre further search windows on, from the nearest to the farthest.

    Windows of ``factor``·√(w·h) cover the image and overlap by a target. Where a small target would
    need more than ``MOST_PLACES`` of them, windows are up to ``COARSEST`` times as wide.

    Args:
        box: x, y, width, height, image pixels, where the target was seen last.
        size: width and height of the image, pixels.
    Returns:
        Boxes of the target's proportions.
    """
    x, y, w, h = box
    side = math.sqrt(w * h)
    step = max((factor - 1) * side, 8.0)
    needed = math.ceil(size[0] / step) * math.ceil(size[1] / step)
    coarse = min(max(math.sqrt(needed / MOST_PLACES), 1.0), COARSEST)
    columns, rows = (max(math.ceil(length / (step * coarse)), 1) for length in size)
    cx, cy = x + w / 2, y + h / 2
    centres = sorted(
        (
            ((column + 0.5) * size[0] / columns, (row + 0.5) * size[1] / rows)
            for row in range(rows)
            for column in range(columns)
        ),
        key=lambda centre: math.hypot(centre[0] - cx, centre[1] - cy),
    )
    w, h = w * coarse, h * coarse
    return [(px - w / 2, py - h / 2, w, h) for px, py in centres]
