"""Writes what a replay found as a bag, on the live node's topics, for rviz and Foxglove."""

import json
from pathlib import Path

from ..conversions.boxes import truth_to_detections
from ..core.io.paths import share_dir
from ..runtime.outputs import messages, status
from ..sources.bag.source import BagSource
from ..sources.bag.typestore import bag_message
from ..sources.bag.writer import BagWriter
from .deterministic import ReplayedFrame
from .truth import Truth

LAYOUT = "foxglove.json"
LAYOUT_IMAGE = '"/image"'  # the image topic in LAYOUT


class OutputBag(BagWriter):
    """A bag of one tracker's answers to the images on one topic.

    images: None: copy the image messages; otherwise where they are, for the bag's metadata.
    debug: write the images with box, state and gate drawn in, too; rviz shows no boxes otherwise.
    All of a frame has the log time of its image, or of the one before if that is later.
    """

    def __init__(
        self, path: Path, source: BagSource, truth: Truth, images: str | None, debug: bool
    ):
        self._truth, self._image = truth, source.topic if images is None else None
        self._node = "tracker_node"
        self._time = 0
        self._outputs = {
            "detections": (f"/{self._node}/detections", messages.DETECTIONS),
            "status": (f"/{self._node}/status", messages.STATUS),
            "marker": (f"/{self._node}/markers", messages.MARKER),
        }
        if truth.known:
            self._outputs["truth"] = ("/player_node/ground_truth", messages.DETECTIONS)
        if debug:
            self._outputs["debug"] = (f"/{self._node}/debug_image", messages.DEBUG_IMAGE)
        topics = dict(self._outputs.values())
        if self._image:
            topics[self._image] = source.recording.connections[self._image].msgtype
        super().__init__(path, topics, {"images": images} if images else {})

    def add(self, step: ReplayedFrame) -> None:
        """Write what is published about one frame."""
        frame, answer = step.frame, step.answer
        recorded, header = frame.recorded, frame.recorded.message.header
        self._time = max(self._time, recorded.log_time)
        if self._image:
            self.write(self._image, self._time, bytes(recorded.data))
        if "truth" in self._outputs and frame.index in self._truth.boxes:
            true = self._truth.boxes[frame.index]
            self._publish("truth", truth_to_detections(true, header, bag_message))
        self._publish("detections", messages.detections(answer, bag_message))
        checks = [status.frame_check(answer, dropped=0), *status.target_checks(answer)]
        self._publish(
            "status",
            status.to_array(checks, header, self._node, header.frame_id, bag_message),
        )
        self._publish("marker", messages.marker(answer, bag_message))
        if "debug" in self._outputs:
            self._publish("debug", messages.debug_image(answer, bag_message))

    def _publish(self, name: str, message) -> None:
        self.write(self._outputs[name][0], self._time, message)


def write_layout(path: Path, image_topic: str) -> None:
    """Write the package's Foxglove layout with another image topic than ``/image``."""
    text = (share_dir() / "config" / LAYOUT).read_text(encoding="utf-8")
    path.write_text(text.replace(LAYOUT_IMAGE, json.dumps(image_topic)), encoding="utf-8")
