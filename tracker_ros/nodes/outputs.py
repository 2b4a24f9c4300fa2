"""Publishes the worker's answers: boxes first, status, markers and debug image after."""

import time

from diagnostic_msgs.msg import DiagnosticArray
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray
from visualization_msgs.msg import ImageMarker

from ..conversions.images import bgr_to_image
from ..runtime.answer import Answer
from ..runtime.frame_slot import ReceivedImage
from ..runtime.outputs import messages
from ..runtime.outputs.health import Check, GateWindow
from ..runtime.outputs.status import frame_check, target_checks, to_array
from . import qos
from .attention import Attention
from .monitor import Monitor


class Outputs:
    """The publishers of a lifecycle node; a worker's ``Sink``.

    All messages about a frame have the unchanged header of its image.
    """

    def __init__(self, node, monitor: Monitor, model: str):
        self._node = node
        self._gates = monitor.gates = GateWindow()
        create = node.create_lifecycle_publisher
        self._detections = create(Detection2DArray, "~/detections", qos.RELIABLE)
        self._status = create(DiagnosticArray, "~/status", qos.RELIABLE)
        self._markers = create(ImageMarker, "~/markers", qos.RELIABLE)
        self._debug_image = create(Image, "~/debug_image", qos.PICTURE)
        self._attention_image = create(Image, "~/attention_image", qos.PICTURE)
        self._attention = Attention(model, monitor.report)
        self._delays = (0.0, 0.0, 0.0)
        self._last: ReceivedImage | None = None  # that a marker was sent for
        self.report = monitor.report
        self._follow = monitor.follow

    def destroy(self) -> None:
        pictures = (self._debug_image, self._attention_image)
        for publisher in (self._detections, self._status, self._markers, *pictures):
            self._node.destroy_lifecycle_publisher(publisher)

    def publish(self, answer: Answer) -> None:
        begin = time.monotonic()
        self._detections.publish(messages.detections(answer))
        end = time.monotonic()
        now = self._node.get_clock().now().nanoseconds
        frame = answer.frame
        self._delays = ((now - frame.stamp) / 1e6, (end - frame.arrival) * 1e3, (end - begin) * 1e3)

    def clear(self) -> None:
        """Take the marker away: viewers show the last one for ever."""
        if self._last:
            self._markers.publish(messages.marker(Answer(self._last, None, state="NO_TARGET")))
            self._last = None

    def refuse(self, frame: ReceivedImage, state: str, problem: str) -> None:
        """Publish in status and diagnostics why ``frame`` has no answer."""
        self.report("image" if state == "ERROR" else "stamp", problem)
        answer = Answer(frame, None, state=state, problem=problem)
        check = frame_check(answer, self._node.slot.dropped)
        self._send_status([check], frame)

    def finish(self, answer: Answer) -> None:
        for one in answer.targets:
            if one.gate:
                self._gates.add(one.gate)
        self._follow(answer)
        check = frame_check(answer, self._node.slot.dropped, *self._delays)
        self._send_status([check, *target_checks(answer)], answer.frame)
        # An answer may come after the node was disabled and has taken the marker away.
        if self._node.enabled and self._markers.get_subscription_count():
            self._markers.publish(messages.marker(answer))
            self._last = answer.frame
        if self._debug_image.get_subscription_count():
            self._debug_image.publish(messages.debug_image(answer))
        if self._attention_image.get_subscription_count():
            picture = self._attention.draw(answer)
            if picture is not None:
                header = answer.frame.message.header
                self._attention_image.publish(bgr_to_image(picture, header))

    def _send_status(self, checks: list[Check], frame: ReceivedImage) -> None:
        header = frame.message.header
        name = self._node.get_fully_qualified_name()[1:]
        self._status.publish(to_array(checks, header, name, header.frame_id))
