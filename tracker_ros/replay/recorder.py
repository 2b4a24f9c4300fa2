"""Listens to player and tracker, and keeps what they publish: in a bag, and as numbers."""

import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial

from ..conversions.boxes import detection_to_box
from ..conversions.stamps import stamp_to_ns
from ..core.errors import TrackerError
from ..core.gate import BRANCHES, Gate
from ..core.geometry.boxes import Box
from ..runtime.outputs.messages import DETECTIONS, STATUS
from ..sources.bag.source import COMPRESSED, IMAGE
from ..sources.bag.typestore import header_stamp
from ..sources.bag.writer import BagWriter
from .summary import Output

_ERROR = b"\x02"  # diagnostic_msgs/DiagnosticStatus.ERROR
# Values of the check of the target that count what nothing can go on after: there is no target, and
# nobody asks for another one. An image that the tracker cannot use is one frame's ERROR.
_FATAL = ("failed_starts", "failures")


class Topics:
    """The names that the nodes use in a namespace (with its slash)."""

    def __init__(self, namespace: str, compressed: bool):
        self.namespace, self.compressed = namespace, compressed
        self.tracker = f"{namespace}/tracker_node"
        self.image = f"{namespace}/image" + ("/compressed" if compressed else "")
        self.truth = f"{namespace}/player_node/ground_truth"
        self.detections = f"{self.tracker}/detections"
        self.status = f"{self.tracker}/status"

    def types(self) -> dict[str, str]:
        """Topic -> message type of everything that is recorded."""
        return {
            self.image: COMPRESSED if self.compressed else IMAGE,
            self.truth: DETECTIONS,
            self.detections: DETECTIONS,
            self.status: STATUS,
        }


@dataclass(frozen=True)
class Usage:
    """What the tracker's process used in the last second; images: how many had been published.

    startup: seconds from its beginning until the node was active.
    """

    images: int
    cores: float
    memory_mib: float
    startup: float


class Recorder(AbstractContextManager):
    """A ROS node of its own; ``spin`` takes in what has come. A context manager.

    stamps: of the images (ns), in the order of publishing. heard: messages so far.
    provider: what really runs the tracker's network, in words; None until the node has said so.
    publish_ms: what publishing each box took. usage: the tracker's, once a second.
    """

    def __init__(self, topics: Topics, bag: BagWriter | None):
        import rclpy
        from diagnostic_msgs.msg import DiagnosticArray
        from rclpy.executors import SingleThreadedExecutor
        from rclpy.signals import SignalHandlerOptions
        from sensor_msgs.msg import CompressedImage, Image
        from vision_msgs.msg import Detection2DArray

        self.stamps: list[int] = []
        self.heard, self._came = 0, False
        self.provider: str | None = None
        self.publish_ms: list[float] = []
        self.usage: list[Usage] = []
        self._topics, self._bag = topics, bag
        self._latencies: dict[int, float] = {}
        # By the target's id, for the first one by "", too; then by stamp.
        self._boxes: dict[str, dict[int, Box]] = defaultdict(dict)
        self._states: dict[str, dict[int, tuple[str, float, Gate | None]]] = defaultdict(dict)
        self._on_stamp: Callable[[int, int], None] = lambda index, stamp: None
        self._context = rclpy.Context()
        # Ctrl-C must stay an exception: it is what ends the nodes.
        # Nor are the command's own words ROS arguments, as rclpy would take them to be.
        rclpy.init(args=[], context=self._context, signal_handler_options=SignalHandlerOptions.NO)
        self._node = rclpy.create_node(
            "recorder", namespace=topics.namespace, context=self._context
        )
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        depth = 1000  # reliable; a pause of the recorder must not lose a message
        listen = self._node.create_subscription
        # Before the images: a player that has found that subscription, has found this one, too.
        keep_truth = partial(self._keep, topics.truth)
        listen(Detection2DArray, topics.truth, keep_truth, depth, raw=True)
        image_type = CompressedImage if topics.compressed else Image
        listen(image_type, topics.image, self._on_image, depth, raw=True)
        listen(Detection2DArray, topics.detections, self._on_detections, depth, raw=True)
        listen(DiagnosticArray, topics.status, self._on_status, depth, raw=True)
        listen(DiagnosticArray, "/diagnostics", self._on_diagnostics, depth)

    def __exit__(self, *exc) -> None:
        self._executor.shutdown()
        self._node.destroy_node()
        self._context.try_shutdown()

    def spin(self, seconds: float) -> bool:
        """Waits for a message, at most so long; returns whether there was one.

        Raises TrackerError for one about a failure.
        """
        self._came = False
        self._executor.spin_once(timeout_sec=seconds)
        return self._came

    @property
    def tracker_is_ready(self) -> bool:
        """Whether the tracker subscribes to the images, and what it publishes comes here.

        DDS may need seconds until two nodes know each other, in each direction.
        """
        return self.provider is not None and self._node.count_subscribers(self._topics.image) > 1

    @property
    def is_complete(self) -> bool:
        """Whether the newest image that was taken in was answered."""
        return bool(self.stamps) and (
            self.stamps[-1] in self._latencies.keys() & self._states[""].keys()
        )

    def outputs(self, target_id: str = "") -> dict[int, Output]:
        """What was published of a target, by the frame's position in the order of publishing.

        target_id: empty: of the target that comes first.
        """
        boxes, states = self._boxes[target_id], self._states[target_id]
        found = {}
        for index, stamp in enumerate(self.stamps):
            if stamp not in states or stamp not in self._latencies:
                continue
            state, score, gate = states[stamp]
            if found or state != "NO_TARGET":  # before the start; later the target was dropped
                box, latency = boxes.get(stamp), self._latencies[stamp]
                found[index] = Output(stamp, box, score, state, gate, latency)
        return found

    def join(self, bystander: Callable) -> None:
        """Let ``bystander(node, topics)`` tell what to do with each image's index and stamp."""
        self._on_stamp = bystander(self._node, self._topics)

    def _keep(self, topic: str, data: bytes) -> int:
        """Writes the message to the bag, if any; returns the time, in ns since 1970."""
        now = time.time_ns()
        if self._bag:
            self._bag.write(topic, now, data)
        self.heard, self._came = self.heard + 1, True
        return now

    def _on_image(self, data: bytes) -> None:
        self._keep(self._topics.image, data)
        self.stamps.append(header_stamp(data, 0))
        self._on_stamp(len(self.stamps) - 1, self.stamps[-1])

    def _on_detections(self, data: bytes) -> None:
        now = self._keep(self._topics.detections, data)
        from rclpy.serialization import deserialize_message
        from vision_msgs.msg import Detection2DArray

        message = deserialize_message(data, Detection2DArray)
        stamp = stamp_to_ns(message.header.stamp)
        # A frame that is answered again, for a start in the past, keeps its first latency.
        self._latencies.setdefault(stamp, (now - stamp) / 1e6)
        self._boxes[""].pop(stamp, None)
        for one in message.detections:
            self._boxes[one.id][stamp] = box = detection_to_box(one)
            self._boxes[""].setdefault(stamp, box)

    def _on_status(self, data: bytes) -> None:
        from diagnostic_msgs.msg import DiagnosticArray
        from rclpy.serialization import deserialize_message

        self._keep(self._topics.status, data)
        message = deserialize_message(data, DiagnosticArray)
        stamp = stamp_to_ns(message.header.stamp)
        values, *each = ({v.key: v.value for v in one.values} for one in message.status)
        self._states[""][stamp] = _state(values)
        for one in each:
            self._states[one["target_id"]][stamp] = _state(one)
        if values["publish_ms"] != "unknown":  # a frame that was refused
            self.publish_ms.append(float(values["publish_ms"]))

    def _on_diagnostics(self, message) -> None:
        self._came = True
        for status in message.status:
            node, _, check = status.name.partition(": ")
            if f"/{node}" != self._topics.tracker:
                continue
            values = {item.key: item.value for item in status.values}
            if status.level == _ERROR and (
                check == "back end"
                or (check == "target" and any(int(values[name]) for name in _FATAL))
            ):
                raise TrackerError(f"the tracker node reports: {status.message}")
            if status.level == b"\x00" and check == "back end":
                self.provider = status.message
                names = ("processor_cores_used", "process_memory_peak_mib", "startup_s")
                used = (float(values[name]) for name in names)
                self.usage.append(Usage(len(self.stamps), *used))


def _state(values: dict[str, str]) -> tuple[str, float, Gate | None]:
    """State, score and the gate's decision of one target in one frame."""
    gate = None
    if values["gate_branch"]:
        weights = tuple(float(values[f"gate_{name}"]) for name in BRANCHES)
        gate = Gate(weights, values["gate_branch"])
    return values["state"], float(values["score"]), gate
