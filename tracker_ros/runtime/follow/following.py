"""Follows every target of a stream in space: from boxes and depth of one moment to places."""

from dataclasses import dataclass

import numpy as np

from ...core.errors import InputError
from .camera import Camera
from .depth import surfaces
from .follower import Follower, Limits
from .messages import Boxed, Seen


@dataclass(frozen=True)
class Depth:
    """values: [H, W]. scale: metres of one unit. camera: None if camera_info gives it."""

    values: np.ndarray
    scale: float
    frame_id: str
    camera: Camera | None = None


class Following:
    """Keeps a ``Follower`` for each id.

    min_points, max_range: see ``depth.surfaces``.
    """

    def __init__(self, limits: Limits, min_points: int, max_range: float):
        self._limits, self._min_points, self._max_range = limits, min_points, max_range
        self._followers: dict[str, tuple[Follower, int]] = {}  # and the stamp of its last box
        self._stamp = 0  # the latest

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
        if (width, height) != (camera.width, camera.height):
            raise InputError(
                f"the depth image has {width}x{height} pixels, but camera_info is of"
                f" {camera.width}x{camera.height}"
            )
        ids = [target.id for target in targets]
        if len(set(ids)) < len(ids):
            twice = next(one for one in ids if ids.count(one) > 1)
            raise InputError(f"two detections have the id {twice!r}")
        self._forget(stamp, reach)
        found, problems = [], []
        for target in targets:
            follower, last = self._followers.get(target.id, (Follower(self._limits), stamp))
            if stamp < last:
                continue
            self._followers[target.id] = follower, stamp
            try:
                seen = surfaces(
                    depth.values, target.box, depth.scale, self._min_points, self._max_range
                )
                place, reason = follower.follow(stamp, target.box, seen, camera)
            except InputError as error:
                place, reason = None, str(error)
            if place:
                found.append(Seen(**vars(target), place=place))
            else:
                problems.append(f"target {target.id}: {reason}")
        return found, problems

    def _forget(self, stamp: int, reach: int) -> None:
        """Drop those that have been away for long, and all where time jumped back."""
        if max(stamp, reach) < self._stamp:
            self._followers, self._stamp = {}, 0
        oldest = stamp - round(self._limits.forget_after * 1e9)
        self._followers = {
            key: (one, last) for key, (one, last) in self._followers.items() if last >= oldest
        }
        self._stamp = max(self._stamp, stamp)

    def chosen(self, found: list[Seen], target_id: str) -> Seen | None:
        """The target to drive after: ``target_id``; if empty, the one followed for longest.

        While that target is hidden there is none: a robot should not drive after another one.
        """
        wanted = target_id or next(iter(self._followers), "")
        return next((seen for seen in found if seen.id == wanted), None)
