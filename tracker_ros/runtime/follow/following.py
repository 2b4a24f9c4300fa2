"""Follows every target of a stream in space: from boxes and depth of one moment to places."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ...core.errors import InputError
from .camera import Camera
from .depth import surfaces
from .follower import Follower, Limits
from .messages import Boxed, Seen, spoken


@dataclass(frozen=True)
class Depth:
    """values: [H, W]. scale: metres of one unit. camera: None if camera_info gives it."""

    values: np.ndarray
    scale: float
    frame_id: str
    camera: Camera | None = None


@dataclass
class _Followed:
    """A target. boxed: the stamp of its last box. kept: the last at which the tracker had it, ns.

    started: what the tracker says of its start; empty where it says nothing.
    """

    follower: Follower
    boxed: int
    kept: int
    started: str = ""


class Following:
    """Keeps a ``Follower`` for each id.

    min_points, max_range: see ``depth.surfaces``.
    """

    def __init__(self, limits: Limits, min_points: int, max_range: float):
        self._limits, self._min_points, self._max_range = limits, min_points, max_range
        self._followed: dict[str, _Followed] = {}  # in the order in which they came
        self._stamp = 0  # the latest

    def clear(self) -> None:
        """Forget all targets."""
        self._followed, self._stamp = {}, 0

    def tracked(self, stamp: int, starts: Mapping[str, str]) -> None:
        """The tracker has these targets, also lost ones, in the frame of ``stamp`` (ns).

        Those that it has no longer are gone; what had boxes in that frame or later stays.

        starts: by id, what tells a start from one before it; one that is another has no past.
        """
        for target_id, one in list(self._followed.items()):
            if target_id in starts:
                if one.started not in ("", starts[target_id]):
                    one.follower = Follower(self._limits)
                one.started, one.kept = starts[target_id], max(one.kept, stamp)
            elif one.boxed < stamp:
                del self._followed[target_id]

    def frame(
        self, stamp: int, targets: list[Boxed], depth: Depth, camera: Camera, reach: int
    ) -> tuple[list[Seen], list[str]]:
        """Those of ``targets`` that have a place, and a sentence for each that has none.

        The tracker answers frames again when a target starts in the past. What was followed beyond
        such a frame is left out: nothing new is known of it.

        Args:
            stamp: of the image, ns. reach: the latest such stamp that the newest depth is near to.
                Only where that went back, too, time jumped back, and all targets begin anew.
        Raises:
            InputError: the depth is not of this camera, or an id came twice.
        """
        height, width = depth.values.shape
        across, down = camera.scales("the depth image has", width, height)
        ids = [target.id for target in targets]
        if len(set(ids)) < len(ids):
            twice = next(one for one in ids if ids.count(one) > 1)
            raise InputError(f"two detections have the id {spoken(twice)!r}")
        self._forget(stamp, reach)
        found, problems = [], []
        for target in targets:
            if target.id not in self._followed:
                self._followed[target.id] = _Followed(Follower(self._limits), stamp, stamp)
            one = self._followed[target.id]
            if stamp < one.boxed:
                continue
            one.boxed, one.kept = stamp, max(one.kept, stamp)
            try:
                x, y, w, h = target.box
                box = x * across, y * down, w * across, h * down
                seen = surfaces(depth.values, box, depth.scale, self._min_points, self._max_range)
                place, reason = one.follower.follow(stamp, target.box, seen, camera)
            except InputError as error:
                place, reason = None, str(error)
            if place:
                found.append(Seen(**vars(target), place=place))
            else:
                problems.append(f"target {spoken(target.id)}: {reason}")
        return found, problems

    def _forget(self, stamp: int, reach: int) -> None:
        """Drop those that have been away for long, and all where time jumped back."""
        if max(stamp, reach) < self._stamp:
            self.clear()
        oldest = stamp - round(self._limits.forget_after * 1e9)
        self._followed = {key: one for key, one in self._followed.items() if one.kept >= oldest}
        self._stamp = max(self._stamp, stamp)

    @property
    def first(self) -> str:
        """The id of the target that has been followed for longest; empty where there is none.

        While it is hidden, a robot should not drive after another one.
        """
        return next(iter(self._followed), "")
