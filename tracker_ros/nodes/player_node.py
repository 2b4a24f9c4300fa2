"""Publishes a video, image folder, recording or camera as a camera driver would."""

import math
import threading
import time

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.duration import Duration
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2D, Detection2DArray

from ..conversions.boxes import box_to_detection, truth_to_detections
from ..conversions.images import bgr_to_compressed, bgr_to_image
from ..conversions.stamps import ns_to_stamp, stamp_to_ns
from ..core.errors import InputError, ParameterError, SourceError, TrackerError, brief
from ..core.geometry.boxes import Box
from ..core.io.names import printable
from ..runtime.pacing import Pacing
from ..sources import Frame, open_source
from ..sources.base import DEFAULT_FPS
from . import qos
from .inputs.transport import IMAGE
from .parameters import PLAYER, on_node
from .parameters.parameter import initial_box
from .process import names, services

# A publisher sees a match before the other side does, and what it sends in between is lost to
# best-effort subscribers; so is what they have not taken from shared memory when the sender ends.
SETTLE = 0.5  # seconds
MOMENT = Duration(seconds=0.1)  # for which whoever ends the player waits
FILE_START = 1_000_000_000  # ns; stamps of files start at 0, which ROS takes for "not set"


class PlayerNode(Node):
    """Plays its source once or in a loop, in a thread; ``done`` when that has ended."""

    def __init__(self, **arguments):
        super().__init__("player_node", **arguments)
        on_node.declare(self, PLAYER)
        services.guard(self)
        self._values = values = on_node.read(self, PLAYER)
        if not values.source:
            raise ParameterError("parameter source is empty, but must name what to play")
        names.check_topics(self, ("image", "~/ground_truth"))
        names.check_parameter(self, "tracker", "init_target", "status")
        # Repeating the stamps is this node's doing; sources go on rising.
        self._repeat = values.loop and values.stamps == "source_repeated"
        self._source = open_source(
            values.source,
            topic=values.topic or None,
            rate=values.rate or None,
            loop=values.loop and not self._repeat,
        )
        self._init_index, self._init_box = self._find_init()
        self._started = not self._init_box  # whether the box was sent, if there is one
        compressed = values.image_transport == "compressed"
        kind = CompressedImage if compressed else Image
        name = IMAGE.topic(self, values.image_transport)
        self._images = self.create_publisher(kind, name, qos.RELIABLE)
        self._truths = self._inits = None
        if self._source.truth is not None:
            self._truths = self.create_publisher(Detection2DArray, "~/ground_truth", qos.RELIABLE)
        if self._init_box:
            topic = f"{values.tracker}/init_target"
            self._inits = self.create_publisher(Detection2D, topic, qos.RELIABLE)
        self._acknowledged = threading.Condition()
        self._last_acknowledged: int | None = None  # stamp, ns, since the last image went out
        if values.mode == "acknowledged":
            topic = f"{values.tracker}/status"
            self.create_subscription(DiagnosticArray, topic, self._on_status, qos.RELIABLE)
        self._stamp_shift = 0
        self._stop = threading.Event()
        self._error: TrackerError | None = None
        self._thread = threading.Thread(target=self._run, name="playing", daemon=True)

    def _find_init(self) -> tuple[int, Box | None]:
        """The frame's index and the box to start the tracker on, where asked for."""
        box = initial_box(self._values.init_bbox)
        if self._values.init_frame and not box:
            raise ParameterError(
                f"parameter init_frame is {self._values.init_frame}, but init_bbox, which it is"
                " about, is empty"
            )
        if box or not self._values.publish_init:
            return self._values.init_frame, box
        found = sorted(item for item in (self._source.truth or {}).items() if item[1][2] > 0)
        if not found:
            raise SourceError(
                f"{self._source.name} has no truth to start on; give a box (the parameter"
                " init_bbox, in replay.launch.py the argument box)"
            )
        return found[0]

    @property
    def done(self) -> bool:
        """Whether everything was played, or an error ended it."""
        return self._thread.ident is not None and not self._thread.is_alive()

    def start(self) -> None:
        """Begin to play."""
        self._thread.start()

    def release(self) -> None:
        """Stop playing. Raises the error that ended it, if there was one."""
        self._stop.set()
        with self._acknowledged:
            self._acknowledged.notify_all()
        self._thread.join()
        self._source.close()
        if self._error:
            raise self._error

    def _run(self) -> None:
        try:
            self._wait_for_subscribers()
            if self._stop.is_set():
                return
            length = f"{self._source.length} frames" if self._source.length else "frames"
            words = f"playing {length} of {self._source.name} on {self._images.topic_name}"
            self.get_logger().info(printable(words))
            count = self._play()
            self.get_logger().info(f"played {count} frames")
            if not (self._started or self._stop.is_set()):
                raise ParameterError(
                    f"parameter init_frame is {self._init_index}, but {self._source.name} ended"
                    f" after {count} frames: the tracker was never started"
                )
        except TrackerError as error:
            self._error = error
        except Exception as error:  # which would end this thread alone, and the node with status 0
            what = f"{self._source.name} cannot be played on: {type(error).__name__}"
            self._error = TrackerError(f"{what}: {brief(error)}")

    def _play(self) -> int:
        count, pacing = 0, self._pacing()
        while not self._stop.is_set():
            begins = True
            for frame in self._source:
                if begins:
                    self._stamp_shift = 0 if frame.stamp_ns else FILE_START
                    begins = False
                if pacing:
                    self._wait_for_turn(pacing, frame)
                if self._stop.is_set():
                    break
                try:
                    self._publish(frame)
                except InputError as error:
                    raise SourceError(f"{frame.name}: {error}") from None
                count += 1
            if not self._repeat:
                break
            if pacing:
                pacing.again()
        if self._stop.is_set():  # somebody waits for the end, not for the last images
            return count
        end = time.monotonic() + self._values.acknowledge_timeout
        for publisher in filter(None, (self._images, self._truths)):
            while not (self._stop.is_set() or publisher.wait_for_all_acked(MOMENT)):
                if time.monotonic() >= end:
                    break
        self._stop.wait(SETTLE)
        return count

    def _pacing(self) -> Pacing | None:
        """None where frames come when they are asked for, or are taken."""
        values = self._values
        if values.mode != "real_time" or (self._source.live and not values.rate):
            return None
        period = 1 / (self._source.fps or DEFAULT_FPS)
        # A rate is what somebody wants, however slow.
        longest = math.inf if values.rate else values.longest_pause
        return Pacing(period, longest, still=self._source.fps is None)

    def _wait_for_turn(self, pacing: Pacing, frame: Frame) -> None:
        due, jump = pacing.due(frame.stamp_ns, time.monotonic())
        if jump:
            self.get_logger().warning(printable(f"{frame.name}: {jump}"))
        self._stop.wait(max(due - time.monotonic(), 0))

    def _wait_for_subscribers(self) -> None:
        needed = [(self._images, self._values.subscribers)]
        if self._inits:
            needed.append((self._inits, 1))
        end = time.monotonic() + self._values.wait
        while True:
            missing = [p.topic_name for p, count in needed if p.get_subscription_count() < count]
            if not missing:
                self._stop.wait(SETTLE)
                return
            if time.monotonic() >= end or self._stop.wait(0.05):
                break
        if self._values.wait and not self._stop.is_set():
            who = "nobody subscribes" if self._values.subscribers == 1 else "too few subscribe"
            sentence = f"{who} to {', '.join(missing)} after {self._values.wait:g} s"
            if self._inits:
                raise TrackerError(sentence)
            self.get_logger().warning(sentence)

    def _publish(self, frame: Frame) -> None:
        stamp = self._stamp(frame)
        header = Header(frame_id=self._values.frame_id, stamp=ns_to_stamp(stamp))
        # Before the image, so that the tracker starts on it at once; unless it may still hold the
        # frame of the same stamp from the pass before.
        starts = self._inits and frame.index == self._init_index
        if starts and not self._repeat:
            self._publish_init(header)
        with self._acknowledged:  # the frame before may have had the same stamp
            self._last_acknowledged = None
        if self._values.image_transport == "compressed":
            quality = self._values.jpeg_quality
            self._images.publish(bgr_to_compressed(frame.image, header, quality))
        else:
            self._images.publish(bgr_to_image(frame.image, header))
        if self._truths and frame.index in self._source.truth:
            truth = self._source.truth[frame.index]
            self._truths.publish(truth_to_detections(truth, header))
        if self._values.mode == "acknowledged":
            self._wait_for_acknowledgement(stamp, frame)
        if starts and self._repeat:
            self._publish_init(header)

    def _publish_init(self, header: Header) -> None:
        self._inits.publish(box_to_detection(self._init_box, header))
        self._started = True

    def _stamp(self, frame: Frame) -> int:
        if self._values.stamps == "now":
            return self.get_clock().now().nanoseconds
        return frame.stamp_ns + self._stamp_shift

    def _on_status(self, message: DiagnosticArray) -> None:
        with self._acknowledged:
            self._last_acknowledged = stamp_to_ns(message.header.stamp)
            self._acknowledged.notify_all()

    def _wait_for_acknowledgement(self, stamp: int, frame: Frame) -> None:
        def over() -> bool:
            return self._last_acknowledged == stamp or self._stop.is_set()

        with self._acknowledged:
            if not self._acknowledged.wait_for(over, self._values.acknowledge_timeout):
                sentence = (
                    f"{self._values.tracker} did not answer to {frame.name} within"
                    f" {self._values.acknowledge_timeout:g} s; going on"
                )
                self.get_logger().warning(printable(sentence))
