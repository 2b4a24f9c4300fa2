"""OpenCV's trackers behind the surface of our Tracker, for comparison in the same run."""

import math
import threading
from concurrent import futures
from pathlib import Path
from queue import SimpleQueue

import cv2
import numpy as np

from ..core.errors import InputError, TrackerError, brief
from ..core.geometry.boxes import Box, visible_part
from ..core.state import TargetState
from ..core.trackable import Result

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
PATIENCE = 60.0  # seconds for a frame; the slowest takes .1
LAST_CALL = 5.0  # seconds that an interrupted call may take to its end
MIL_SMALLEST = 4  # pixels; on smaller boxes it looks for samples for ever
CHOICES = (*PEERS, "nano:BACKBONE,HEAD", "vit:MODEL")


class PeerError(TrackerError):
    """A peer that does not start on a box, or does not end: it loses its sequence."""


class _Thread:
    """A thread that makes calls, one after the other; a daemon, so that none holds up the end."""

    def __init__(self):
        self._calls = SimpleQueue()
        threading.Thread(target=self._run, name="peer", daemon=True).start()

    def _run(self) -> None:
        while True:
            answer, call, arguments = self._calls.get()
            try:
                answer.set_result(call(*arguments))
            except Exception as error:  # whoever asked shall have it
                answer.set_exception(error)

    def call(self, call, *arguments):
        """The answer of ``call``. Raises what it raises, or ``futures.TimeoutError``."""
        answer: futures.Future = futures.Future()
        self._calls.put((answer, call, arguments))
        try:
            return answer.result(PATIENCE)
        except (KeyboardInterrupt, SystemExit):
            # A process that ends while OpenCV's own threads work aborts.
            futures.wait([answer], LAST_CALL)
            raise


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
        self._tracker = None
        self._thread: _Thread | None = None
        if self.name in NETWORKS:
            self._check_files()
            self._try_out()
        elif self.name not in PEERS or self.files:
            raise InputError(f"there is no peer {text!r}; choose from {', '.join(CHOICES)}")
        elif not hasattr(cv2, "legacy"):
            raise InputError(f"peer {self.name!r} needs OpenCV's contrib build")

    def init(self, image: np.ndarray, box: Box) -> None:
        """Start on ``box`` of ``image``, uint8 [H, W, 3] BGR.

        Raises PeerError where OpenCV's tracker does not, or not in time.
        """
        self._tracker = None
        if self.name == "mil" and min(box[2:]) < MIL_SMALLEST:
            raise PeerError(f"mil starts on no box under {MIL_SMALLEST} pixels: {_shown(box)}")
        if min(visible_part(box, image)[2:]) <= 0:  # on some, OpenCV's trackers would start
            raise PeerError(f"{self.name} does not start on {_shown(box)}: outside of the picture")
        tracker = self._create()
        begin = tuple(map(round, box)) if self.name in NETWORKS else box  # as it takes numbers
        try:
            started = self._in_time(tracker.init, image, begin)
        except cv2.error as error:  # on boxes that are thin, or at the edge
            said = error.err or brief(error)
            raise PeerError(f"{self.name} does not start on {_shown(box)}: {said}") from None
        if started is False:  # networks' trackers say nothing
            raise PeerError(f"{self.name} does not start on {_shown(box)}")
        self._tracker, self._failures = tracker, 0
        self.last_box = tuple(map(float, box))

    def update(self, image: np.ndarray) -> Result:
        """Follow the target into ``image``; it is lost while the peer reports failure.

        An error inside OpenCV's tracker counts as a failure, too. The classic peers know no score:
        theirs is 1, and 0 where they report failure. Raises PeerError where it does not end in
        time, and from then on.
        """
        if self._tracker is None:
            raise PeerError(f"{self.name} was not started, or given up")
        try:
            found, box = self._in_time(self._tracker.update, image)
            found = found and all(map(math.isfinite, box))
            knows = self.name in NETWORKS
            score = self._tracker.getTrackingScore() if knows else float(found)
        except cv2.error:  # such as a search window that has left the image
            found, score = False, 0.0
        if not found:
            self._failures += 1
            return Result(None, score, TargetState.LOST, self._failures)
        self._failures = 0
        self.last_box = tuple(map(float, box))
        return Result(self.last_box, score, TargetState.TRACKING)

    def _in_time(self, call, *arguments):
        """Call OpenCV in a thread, for on some boxes it never returns, and hears no signal then."""
        if self._thread is None:
            self._thread = _Thread()
        try:
            return self._thread.call(call, *arguments)
        except futures.TimeoutError:
            self._thread = self._tracker = None  # what hangs is left to hang
            raise PeerError(f"{self.name} gave no answer in {PATIENCE:g} s") from None

    def _create(self):
        if self.name in PEERS:
            return getattr(cv2.legacy, PEERS[self.name])()
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


def _shown(box: Box) -> str:
    return "x {:g}, y {:g}, w {:g}, h {:g}".format(*box)
