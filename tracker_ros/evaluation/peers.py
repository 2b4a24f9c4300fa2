"""OpenCV's trackers behind the surface of our Tracker, for comparison in the same run."""

from typing import NamedTuple

import cv2
import numpy as np

from tracker_ros.core.errors import InputError

Box = tuple[float, float, float, float]

# MOSSE lives only in the legacy module; there its box is sub-pixel, as KCF's and CSRT's are.
PEERS = {
    "csrt": "TrackerCSRT_create",
    "kcf": "TrackerKCF_create",
    "mil": "TrackerMIL_create",
    "mosse": "TrackerMOSSE_create",
}


class PeerResult(NamedTuple):
    """box: x y w h in pixels, None where the peer reports failure; score: 1 or 0 accordingly."""

    box: Box | None
    score: float
    gate: None = None


class Peer:
    """An OpenCV contrib tracker. Raises InputError for a name that is not in PEERS.

    All but MIL, which seeds itself from the clock, give the same boxes in every run.
    """

    def __init__(self, name: str):
        if name not in PEERS:
            raise InputError(f"there is no peer {name!r}; choose from {', '.join(PEERS)}")
        if not hasattr(cv2, "legacy"):
            raise InputError(f"peer {name!r} needs OpenCV's contrib build")
        self._create = getattr(cv2.legacy, PEERS[name])
        self.last_box: Box | None = None

    def init(self, image: np.ndarray, box: Box) -> None:
        """Start on `box` of `image`, uint8 (height, width, 3) BGR."""
        self._tracker = self._create()
        if not self._tracker.init(image, box):
            raise InputError(f"OpenCV's tracker does not start on box {box}")
        self.last_box = tuple(map(float, box))

    def update(self, image: np.ndarray) -> PeerResult:
        found, box = self._tracker.update(image)
        if not found:
            return PeerResult(None, 0.0)
        self.last_box = tuple(map(float, box))
        return PeerResult(self.last_box, 1.0)
