"""Shows the camera's images on a web page; a box that is drawn there starts the tracker."""

import math
import time
from collections import deque
from contextlib import suppress

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node
from std_msgs.msg import Header
from std_srvs.srv import Trigger
from vision_msgs.msg import Detection2D, Detection2DArray

from ..conversions.boxes import box_to_detection, detection_to_box
from ..conversions.images import to_bgr
from ..conversions.stamps import stamp_to_ns
from ..core.errors import InputError, TrackerError
from ..core.geometry.boxes import Box
from ..runtime.outputs.health import OK
from ..runtime.outputs.status import told
from ..runtime.selection.server import Drawn, SelectionServer, View
from . import qos
from .inputs.image import ImageInput
from .inputs.message import MessageInput
from .parameters import SELECT, on_node
from .process import names, services
from .process.timers import steady_timer

KEPT = 30  # images, so that boxes are drawn in that which they are of
FEW, MOST = 4, 128 * 2**20  # of larger images so few, where all are more bytes than that
SHOWN = 200  # of these many images that the page showed a box may come back
ANSWER = 2.0  # seconds for the tracker to answer a service
SILENCE = 3.0  # seconds after which what camera and tracker said last is over


class SelectNode(Node):
    """Serves the page while it is there; ``run`` spins it.

    The box goes out with the header of the image that it was drawn in, so that a target that has
    moved on meanwhile is started on where it was.
    """

    done = False

    def __init__(self, **arguments):
        super().__init__("select_node", **arguments)
        on_node.declare(self, SELECT)
        services.guard(self)
        values = on_node.read(self, SELECT)
        endings = ("init_target", "init_targets", "detections", "status", "reset")
        names.check_parameter(self, "tracker", *endings)
        names.check_topics(self, ("image", "image/compressed"))
        topics = {ending: f"{values.tracker}/{ending}" for ending in endings}
        self._messages: deque = deque(maxlen=KEPT)  # keys and images
        self._count = 0
        self._shown: deque[tuple[str, Header]] = deque(maxlen=SHOWN)
        self._picture: tuple[str, np.ndarray | None] = "", None  # the last one shown, and its key
        self._boxes: Detection2DArray | None = None
        self._states: list[Drawn] = []
        self._problem = ""
        # time.monotonic() of the last image, status and diagnosis
        self._seen = self._told = self._heard = -math.inf
        self._ended = False
        self._tracker = self.resolve_topic_name(topics["status"]).removesuffix("/status")
        self._start = self.create_publisher(Detection2D, topics["init_target"], qos.RELIABLE)
        self._starts = self.create_publisher(Detection2DArray, topics["init_targets"], qos.RELIABLE)
        self._reset = self.create_client(Trigger, topics["reset"])
        MessageInput(self, Detection2DArray, topics["detections"], self._on_detections)
        MessageInput(self, DiagnosticArray, topics["status"], self._on_status)
        MessageInput(self, DiagnosticArray, "/diagnostics", self._on_diagnostics)
        self._images = ImageInput(
            self,
            values.image_transport,
            values.image_qos,
            self._on_image,
            lambda subject, sentence: self.get_logger().warning(sentence),
        )
        self._offers = self._images.publishers()
        steady_timer(self, 1.0, self._on_timer)
        self._server = SelectionServer(
            self._view, self._choose, self._forget, values.host, values.port
        )

    def start(self) -> None:
        self.get_logger().info(self._server.invitation)

    def release(self) -> None:
        self._ended = True
        self._server.close()

    # From camera and tracker, in the executor's thread

    def _on_timer(self) -> None:
        self._images.rematch()
        self._offers = self._images.publishers()  # the page's threads leave the middleware alone

    def _on_image(self, message) -> None:
        self._count += 1  # some cameras' stamps stand still
        stamp = stamp_to_ns(message.header.stamp)
        self._messages.append((f"{stamp} {self._count}", message))
        while len(self._messages) > FEW and sum(len(m.data) for _, m in self._messages) > MOST:
            self._messages.popleft()
        self._seen = time.monotonic()

    def _on_detections(self, message: Detection2DArray) -> None:
        self._boxes = message

    def _on_status(self, message: DiagnosticArray) -> None:
        found = told(message)
        if found is None:
            return
        self._states = [
            Drawn(one.get("target_id", ""), f"{one.get('state')} {one.get('score', '')[:4]}")
            for one in found[1]
        ]
        self._told = time.monotonic()

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        ours = [one for one in message.status if one.name.startswith(f"{self._tracker[1:]}: ")]
        if ours:
            worst = max(ours, key=lambda one: one.level)
            self._problem = worst.message if worst.level != bytes([OK]) else ""
            self._heard = time.monotonic()

    # For the page, in the server's threads

    def _view(self) -> View:
        messages, found = list(self._messages), self._boxes
        now = time.monotonic()
        if now - self._seen > SILENCE:
            silence = "no image for a while" if messages else "no image yet"
            return View(message=f"{self._images.topic}: {silence}; {self._offers}")
        of_boxes = [one for one in messages if found and one[1].header.stamp == found.header.stamp]
        key, message = (of_boxes or messages)[-1]
        try:
            image = self._converted(key, message)
        except InputError as error:
            return View(key, message=f"{self._images.topic}: {error}")
        if key not in dict(self._shown):
            self._shown.append((key, message.header))
        if now - self._heard > SILENCE:
            return View(key, image, message=f"{self._tracker} says nothing: is it running?")
        if now - self._told > SILENCE:  # it is not active
            return View(key, image, message=self._problem)
        boxes = {}
        for one in found.detections if of_boxes else ():
            with suppress(InputError):
                boxes[one.id] = detection_to_box(one)
        targets = [Drawn(one.name, one.words, boxes.get(one.name)) for one in self._states]
        return View(key, image, targets, self._problem)

    def _converted(self, key: str, message) -> np.ndarray:
        """An image's pixels, the same however often the page looks. Raises InputError."""
        known, image = self._picture
        if image is None or known != key:
            # In its own levels: the first that came may have been of a closed shutter.
            image = to_bgr(message)
            self._picture = key, image
        return image

    def _choose(self, key: str, box: Box, beside: bool) -> str:
        header = dict(self._shown).get(key)
        if header is None:
            raise InputError("this picture is too old; draw the box in a newer one")
        publisher = self._starts if beside else self._start
        if not publisher.get_subscription_count():
            raise TrackerError(f"nobody listens on {publisher.topic_name}: is the tracker running?")
        message = box_to_detection(box, header)
        if beside:
            message = Detection2DArray(header=header, detections=[message])
        publisher.publish(message)
        return "asked {} to start on {:.0f},{:.0f},{:.0f},{:.0f}".format(self._tracker, *box)

    def _forget(self) -> str:
        name = f"{self._tracker}/reset"
        if not self._reset.service_is_ready():
            raise TrackerError(f"there is no service {name}: is the tracker running?")
        future = self._reset.call_async(Trigger.Request())
        over = time.monotonic() + ANSWER
        while not (future.done() or self._ended or time.monotonic() > over):
            time.sleep(0.02)  # the answer comes in the executor's thread
        if not future.done():
            raise TrackerError(f"{name} did not answer within {ANSWER:g} s")
        return future.result().message
