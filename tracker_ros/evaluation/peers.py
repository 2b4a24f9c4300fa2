"""OpenCV's trackers behind the surface of our Tracker, for comparison in the same run."""

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from ..core.errors import InputError, brief

Box = tuple[float, float, float, float]

# MOSSE lives only in the legacy module; there its box is sub-pixel, as KCF's and CSRT's are.
PEERS = {
    "csrt": "TrackerCSRT_create",
    "kcf": "TrackerKCF_create",
    "mil": "TrackerMIL_create",
    "mosse": "TrackerMOSSE_create",
}
# Networks, whose ONNX files the user brings: OpenCV's class and which of its parameters name them.
NETWORKS = {
    "nano": ("TrackerNano", ("backbone", "neckhead")),
    "vit": ("TrackerVit", ("net",)),
}
CHOICES = (*PEERS, "nano:BACKBONE,HEAD", "vit:MODEL")


class PeerResult(NamedTuple):
    """box: x y w h in pixels, None where the peer reports failure; score: in [0, 1].

    The classic peers know no score: theirs is 1, and 0 where they report failure.
    """

    box: Box | None
    score: float
    gate: None = None


def parse_peers(text: str) -> list[str]:
    """Split "csrt,nano:backbone.onnx,head.onnx,vit:model.onnx" into one text for each ``Peer``.

    "nano:" owns the comma between its two files.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    peers = []
    while parts:
        name, colon, _ = parts[0].partition(":")
        files = len(NETWORKS[name.lower()][1]) if colon and name.lower() in NETWORKS else 1
        peers.append(",".join(parts[:files]))
        del parts[:files]
    return peers


class Peer:
    """One of OpenCV's trackers.

    All but MIL, which seeds itself from the clock, give the same boxes in every run.

    Attributes:
        name: what to call it in results, e.g. "csrt" or "nano".
        files: the model files it runs on; none for the classic trackers.
        last_box: (x, y, width, height) in pixels, kept while the peer reports failure.
    """

    def __init__(self, text: str):
        """text: a name in PEERS, "nano:BACKBONE,HEAD" or "vit:MODEL" with the user's ONNX files.

        Raises InputError for an unknown name and for files that are missing or that OpenCV's
        tracker cannot run.
        """
        name, _, files = text.partition(":")
        self.name = name.lower()
        self.files = tuple(Path(file) for file in files.split(",") if file)
        self.last_box: Box | None = None
        if self.name in NETWORKS:
            self._check_files()
            self._try_out()
        elif self.name not in PEERS or self.files:
            raise InputError(f"there is no peer {text!r}; choose from {', '.join(CHOICES)}")
        elif not hasattr(cv2, "legacy"):
            raise InputError(f"peer {self.name!r} needs OpenCV's contrib build")

    def init(self, image: np.ndarray, box: Box) -> None:
        """Start on ``box`` of ``image``, uint8 [H, W, 3] BGR."""
        if self.name in NETWORKS:
            self._tracker = self._create()
            self._tracker.init(image, tuple(map(round, box)))  # it takes whole pixels only
        else:
            self._tracker = getattr(cv2.legacy, PEERS[self.name])()
            if not self._tracker.init(image, box):
                raise InputError(f"OpenCV's tracker does not start on box {box}")
        self.last_box = tuple(map(float, box))

    def update(self, image: np.ndarray) -> PeerResult:
        """Follow the target into ``image``; an error inside OpenCV's tracker is a failure."""
        try:
            found, box = self._tracker.update(image)
        except cv2.error:  # such as a search window that has left the image
            return PeerResult(None, 0.0)
        score = self._tracker.getTrackingScore() if self.name in NETWORKS else float(found)
        if not found:
            return PeerResult(None, score)
        self.last_box = tuple(map(float, box))
        return PeerResult(self.last_box, score)

    def _create(self):
        kind, parameters = NETWORKS[self.name]
        params = getattr(cv2, f"{kind}_Params")()
        for parameter, file in zip(parameters, self.files, strict=True):
            setattr(params, parameter, str(file))
        return getattr(cv2, kind).create(params)

    def _check_files(self) -> None:
        kind, parameters = NETWORKS[self.name]
        if not hasattr(cv2, kind):
            raise InputError(f"peer {self.name!r} needs a newer OpenCV, with {kind}")
        if len(self.files) != len(parameters):
            form = next(choice for choice in CHOICES if choice.startswith(self.name))
            raise InputError(f"peer {self.name!r} is given as {form}, ONNX files of your own")
        for file in self.files:
            if not file.is_file():
                raise InputError(f"peer {self.name!r}: there is no file {file}")

    def _try_out(self) -> None:
        """One frame, so that files which do not fit fail before a long run, not as lost frames."""
        image = np.zeros((64, 64, 3), np.uint8)
        try:
            tracker = self._create()
            tracker.init(image, (24, 24, 16, 16))
            tracker.update(image)
        except cv2.error as error:
            names = " and ".join(map(str, self.files))
            said = error.err or brief(error)
            raise InputError(
                f"peer {self.name!r}: OpenCV's {NETWORKS[self.name][0]} cannot run {names}: {said}"
            ) from None
