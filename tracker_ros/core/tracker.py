"""The tracker: one target through a stream of images. Any engine, no ROS."""

from __future__ import annotations

import math
from collections.abc import Sequence
from time import perf_counter

import numpy as np

from .engine import Engine, State
from .errors import TrackerError
from .gate import Gate
from .geometry.boxes import Box, at_rim, check_box, check_image, clip_box, numbers
from .geometry.camera import UNSEEN, Background, Backgrounds
from .geometry.crop import crop
from .geometry.decode import Candidate, Prediction, decode
from .geometry.rivals import Rivals, Verdict
from .online.colours import Colours
from .online.trust import Trust
from .online.views import first_views
from .place import Place
from .recovery import AT_ONCE, Recovery
from .search import MemorySample, Search, memory_window
from .state import Presence, TargetState
from .trackable import Result

RIM = 0.3  # of a box's sides: a target that is nearer to the picture's rim may be leaving it
NOTHING = np.zeros((1, 1, 3), np.uint8)
AT_FIRST = 2  # so many frames after the target left its window, it is looked for beside that


class Tracker:
    """Follows one target. ``init`` once, then ``update`` for every image.

    ``update`` is ``locate`` followed by ``remember``; a caller that wants the box as early as
    possible calls the two itself and publishes in between.

    Images are only read, and may be written over after ``update``, or after ``remember``.
    ``copy.copy`` makes a tracker of the same target, which goes on by itself. Another process
    loads its own, or is forked: an engine cannot be pickled.
    """

    def __init__(self, engine: Engine):
        self.engine = engine
        self.config = engine.tracking
        self.reset()

    def fork(self) -> Tracker:
        """Another tracker, without a target, that shares this one's engine and its weights.

        Both may be used in turn or from two threads.
        """
        return Tracker(self.engine)

    def reset(self) -> None:
        """Forget the target."""
        self._state: State | None = None
        self._first: State | None = None  # what the first frame alone says
        self._place: Place | None = None
        self._background = UNSEEN  # of the last image
        self._image = NOTHING  # the last one
        self._pending: tuple[Search, float] | None = None
        self._larger = True  # whether the next look at another scale is at a larger one
        self._unlearnt = 0  # frames since the one memorised last
        self._beside = 0  # frames in a row whose window shows hardly anything of the target
        self._fades = False  # whether it was fading in the frame before these
        self._presence = Presence()
        self._trust = Trust()
        self._drift = 0.0, 0.0  # see ``Candidate``
        self._rivals = Rivals()
        self._colours: Colours | None = None  # None with a network that stands alone

    @property
    def last_box(self) -> Box | None:
        """The internal estimate (x, y, width, height), kept while the target is lost.

        None without a target.
        """
        return None if self._place is None else self._place.box

    @property
    def given_up(self) -> bool:
        """Whether the target has been lost for so long that it is looked for elsewhere, too."""
        return self._presence.given_up

    @property
    def gate(self) -> Gate | None:
        """The decision for the frame memorised last; None without target or gate."""
        return None if self._state is None else self.engine.gate(self._state)

    @property
    def memory_size(self) -> int:
        """Frames remembered."""
        return 0 if self._state is None else self.engine.remembered(self._state)

    def init(self, image: np.ndarray, box: Sequence[float]) -> None:
        """Start on ``box`` (x, y, width, height, pixels) in ``image`` (uint8 [H, W, 3] BGR).

        Raises InputError, and keeps the target it had, if image or box cannot be used.
        """
        target = check_box(box, check_image(image))
        window = memory_window(target, self.config)
        given = crop(image, window), window.to_crop(target)
        if self.engine.responds:
            views = first_views(image, target, self.config.search_factor, self.config.query_size)
            state = self.engine.start(*given, views)
        else:
            state = self.engine.start(*given)
        self.reset()
        self._state, self._first, self._place = state, state, Place(target, target)
        self._image, self._background = image, self._behind(image)
        self._colours = Colours.start(image, target) if self.engine.responds else None

    def update(self, image: np.ndarray) -> Result:
        """The target's place in the next image, uint8 [H, W, 3] BGR of any size.

        It is ``locate``, then ``remember``. Raises as ``locate`` does.
        """
        result = self.locate(image)
        self.remember()
        return result

    def locate(self, image: np.ndarray) -> Result:
        """Find the target in ``image`` (uint8 [H, W, 3] BGR); the memory stays as it is.

        Raises InputError for an unusable image (the target stays), TrackerError without a target.
        """
        search = self.search(image)
        begin = perf_counter()
        prediction, state = self.engine.locate(search.crop, self._state, search.look)
        return self.settle(search, prediction, state, 1e3 * (perf_counter() - begin))

    def remember(self) -> Gate | None:
        """Memorise the frame located last, if it is worth it. Returns the gate's decision."""
        sample = self.memory_sample()
        if sample is None:
            return None
        return self.learn(self.engine.remember(*sample, self._state))

    def recover(self, image: np.ndarray, boxes: Sequence[Sequence[float]]) -> Result | None:
        """Go on with a lost target in the one of ``boxes`` that the memory agrees with most.

        ``image``: as for ``update``. ``boxes``: (x, y, width, height) in its pixels. See
        ``Recovery.best`` for when the memory agrees. Where it agrees with none, nothing changes,
        and the answer is None. Raises InputError for an image or box that cannot be used,
        TrackerError without a target.
        """
        self.check(image)
        best = self._recovery(image).best([check_box(box, image) for box in boxes])
        if best is None:
            return None
        self._place = self._place.at(best.box)
        self._state, self._pending, self._presence = best.state, None, Presence()
        self._trust, self._rivals = self._trust.again(), Rivals()
        return Result(best.box, best.score, TargetState.TRACKING, 0, self.gate)

    def correct(self, box: Box) -> None:
        """Take somebody's word, such as a detector's, for where the target is in the last image.

        ``box``: (x, y, width, height) in its pixels. Nothing changes once the target is given up:
        ``recover`` is for that. Raises InputError for a box that cannot be used, TrackerError
        without a target.
        """
        place = self._held()
        check_box(box, self._image)
        box = self._clipped(box)
        if not self.given_up:
            self._place, self._rivals = place.at(box), self._rivals.corrected()

    def lose(self, around: Box | None = None) -> None:
        """Give the target up as lost; it is looked for ``around`` a box, or where it was last.

        ``around``: (x, y, width, height) in pixels of the last image. Raises InputError for a box
        that is not four finite numbers, TrackerError without a target.
        """
        place, around = self._held(), None if around is None else self._clipped(around)
        self._presence, self._pending = self._presence.lose(), None
        self._place = place.lost(around)

    # For ``core.batch``: the parts of ``locate`` and ``remember``, around the calls of the engine.

    @property
    def state(self) -> State | None:
        """The engine's state of the target; None without one."""
        return self._state

    @property
    def pending(self) -> int:
        """Frames since the one memorised last, if ``remember`` has one to memorise; else 0."""
        return 0 if self._pending is None else self._unlearnt

    @property
    def rescaling(self) -> int:
        """For how many frames a look at another scale is due, with the next one; 0: it is not.

        It is due in frames that may be memorised, because its crop is memorised, too.
        """
        config = self.config
        if self.given_up or not (config.scale_step and self.engine.responds):
            return 0
        return max(self._unlearnt + 2 - config.memory_interval, 0)

    def check(self, image: np.ndarray) -> None:
        """Raise what ``locate`` would for an image, or without a target."""
        self._held()
        check_image(image)

    def search(
        self, image: np.ndarray, rescale: bool = True, told: Backgrounds | None = None
    ) -> Search:
        """The first part of ``locate``: the query crop. Nothing changes. Raises as ``locate``.

        ``rescale``: look at another scale, too, if that is due. ``told``: what other targets saw.
        """
        self.check(image)
        factor = None
        if rescale and self.rescaling:
            # Larger and smaller take turns: between frames a scale does not change by much.
            factor = (1 + self.config.scale_step) ** (1 if self._larger else -1)
        begin = perf_counter()
        background = self._behind(image, told)
        search = Search.around(image, self._expected(background), self.config, factor)
        taken = 1e3 * (perf_counter() - begin)
        return search._replace(background=background, milliseconds=taken)

    def settle(
        self,
        search: Search,
        prediction: Prediction,
        state: State,
        milliseconds: float,
        places: int = AT_ONCE,
    ) -> Result:
        """The last part of ``locate``: what the engine answered, in ``milliseconds``, to a box.

        ``places``: see ``Recovery.further``. Raises InputError, and changes nothing, for values
        that are not finite.
        """
        begin = perf_counter()
        prediction.checked()
        if (box := self._otherwise(search, prediction)) is not None:
            instead = self._recovery(search.image).instead(search, box, prediction)
            search, prediction, state = instead or (search, prediction, state)
        verdict = self._judged(prediction, search)
        prediction = verdict.prediction if verdict else prediction
        if not (verdict and verdict.mistaken) and self._astray(prediction):
            aside = self._recovery(search.image).aside(search, self._place.box, prediction)
            search, prediction, state = aside or (search, prediction, state)
        _, _, w, h = search.window.to_crop(self._place.box)
        seen = self._trust.seen(prediction.strength)
        candidate = decode(prediction, (w, h), self.config, self._drift, seen)
        self._drift = candidate.drift
        self._state, self._image, self._background = state, search.image, search.background
        found, score, alone = self._scored(search, prediction, candidate, places)
        self._advance(found, score, prediction.strength)
        sure = self._presence.state is TargetState.TRACKING
        self._rivals = verdict.after(search.window, self._centre(), sure) if verdict else Rivals()
        self._unlearnt += 1
        worth = self._worth(candidate, score, alone)
        self._pending = None if worth is None else (search, worth)
        return Result(
            None if self._presence.state is TargetState.LOST else self._place.box,
            score,
            self._presence.state,
            self._presence.lost_frames,
            self.gate,
            {
                "crop": search.milliseconds,
                "locate": milliseconds,
                "decode": 1e3 * (perf_counter() - begin),
            },
        )

    def memory_sample(self) -> MemorySample | None:
        """The first part of ``remember``: what the frame located last has to teach, if anything."""
        if self._pending is None:
            return None
        search, score = self._pending
        return search.sample(self._place.box, score, self.config, self.engine.reuses)

    def learn(self, state: State) -> Gate | None:
        """The last part of ``remember``: the engine's state with the sample in it."""
        if self._pending and self._colours:
            self._colours = self._colours.after(self._pending[0].image, self._place.box)
        self._state, self._pending, self._unlearnt = state, None, 0
        return self.gate

    # What is known of the target, from frame to frame.

    def _held(self) -> Place:
        """Its place. Raises TrackerError without a target."""
        if self._place is None:
            raise TrackerError("the tracker has no target: call init first")
        return self._place

    def _clipped(self, box: Box) -> Box:
        """A given box, clipped to the last image as ``settle`` clips what it finds."""
        return clip_box(numbers(box), self._image, self.config.minimum_side)

    def _behind(self, image: np.ndarray, told: Backgrounds | None = None) -> Background:
        """The background of the next image, if somebody asks where the target goes."""
        if not self.config.motion:
            return UNSEEN
        return (told or Backgrounds()).of(image, self._background)

    def _expected(self, background: Background) -> Box:
        """Where the target is looked for in the next image."""
        place = self._place
        if self.given_up:
            return place.carried(background).box
        return place.course.ahead(place.box, self.config.motion, background.shift)

    def _otherwise(self, search: Search, prediction: Prediction) -> Box | None:
        """Where else the target may have gone, if hardly anything of it is seen."""
        place, share = self._place, self.config.motion
        if self.given_up or float(prediction.score.max()) >= self.config.tracking_score:
            return None
        return place.course.otherwise(place.box, share, search.background.shift)

    def _centre(self) -> tuple[float, float]:
        """Where the response's peak was in the last frame, image pixels."""
        (x, y, w, h), (across, down) = self._place.box, self._drift
        side = math.sqrt(w * h)
        return x + w / 2 - across * side, y + h / 2 - down * side

    def _judged(self, prediction: Prediction, search: Search) -> Verdict | None:
        """Which peak of the response is the target's; None without one, or once it is given up."""
        if prediction.response is None or self.given_up:
            return None
        _, _, w, h = self._place.box
        return self._rivals.judge(prediction, search.window, self._centre(), math.sqrt(w * h))

    def _astray(self, prediction: Prediction) -> bool:
        """Whether the window shows so little of the target that windows beside it are searched.

        Only in the first frames of that: a target that was too fast is found there at once, and
        what is found later is rather a look-alike. Nor where the target had faded before: then it
        went behind something, not out of the window.
        """
        if self.given_up or float(prediction.score.max()) >= self.config.aside_score:
            self._beside, self._fades = 0, self._trust.faded(prediction.strength)
            return False
        self._beside += 1
        return self._beside <= AT_FIRST and not self._fades

    def _scored(
        self, search: Search, prediction: Prediction, candidate: Candidate, places: int
    ) -> tuple[Box, float, float]:
        """Box in the image, its score, and what that would be by the response alone.

        Once given up it is looked for elsewhere, too; for ``places`` see ``Recovery.further``.
        """
        found, score = search.window.to_image(candidate.box), candidate.score
        if self.given_up:
            recovery = self._recovery(search.image)
            sure = self._place.carried(self._background).sure
            best = recovery.further(found, score, sure, self._presence, places)
            return *best, score
        odds = prediction.refined.odds if prediction.refined else None
        self._trust = self._trust.after(prediction.opinion, prediction.strength, odds)
        if search.other is not None:
            self._larger = not self._larger
            found = search.rescaled(found, prediction)
        return found, self._trust.score(prediction, score), score * self._trust.share

    def _advance(self, found: Box, score: float, strength: float) -> None:
        """Presence and place one frame later; ``found`` with ``score``, and the response there."""
        before, self._presence = self.given_up, self._presence.after(score, self.config)
        if before and not self.given_up:
            self._trust = self._trust.again()
        if self.given_up and not before:
            self._place = self._place.lost()
        found = clip_box(found, self._image, self.config.minimum_side)
        clear = self._trust.clear(strength)
        self._place = self._place.after(
            found, score, self._presence, clear, self.config, self._background
        )

    def _worth(self, candidate: Candidate, score: float, alone: float) -> float | None:
        """What the frame is worth memorising with; None if it is not to be memorised.

        ``alone``: the score by the response alone.
        """
        if self.given_up or self._rivals.crowded or self._unlearnt < self.config.memory_interval:
            return None
        if at_rim(self._place.box, self._image, RIM):
            score = min(score, alone)  # what leaves the picture is not learned
        blend = self.config.memory_blend
        worth = (1 - blend) * score + blend * candidate.ranked
        return worth if worth >= self.config.memory_score else None

    def _recovery(self, image: np.ndarray) -> Recovery:
        """What finds the target again in ``image``, once it was given up."""
        return Recovery(self.engine, image, self._state, self._first, self._trust, self._colours)
