"""Monitoring of the follow node: the log, /diagnostics once a second, the watchdog."""

import math
import time

from diagnostic_msgs.msg import DiagnosticArray
from std_msgs.msg import Header

from ..runtime.outputs.health import ERROR, OK, WARN, Check, Problems
from ..runtime.outputs.status import to_array
from . import qos
from .parameters import on_node
from .process.timers import steady_timer

INPUTS = ("detections", "depth", "camera")


class FollowMonitor:
    """Watches over a FollowNode, of which it reads the public state, in every lifecycle state.

    counts: of messages with boxes and with depth, of boxes without depth, and of places found.
    """

    def __init__(self, node):
        self._node = node
        self._problems = Problems()
        self.counts = dict.fromkeys(("detections", "depth", "places", "unpaired"), 0)
        self._last = dict.fromkeys(INPUTS, math.nan)  # time.monotonic() of the last good one
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", qos.RELIABLE)
        steady_timer(node, 1.0, self._on_timer)

    def begin(self) -> None:
        """The node becomes active: its inputs are expected from now on."""
        self._last = dict.fromkeys(INPUTS, time.monotonic())

    def arrived(self, what: str) -> None:
        """A usable message of one of ``INPUTS`` came."""
        self._last[what] = time.monotonic()
        if what in self.counts:
            self.counts[what] += 1
        if what in ("camera", "depth"):
            self._problems.solve(what)

    def report(self, subject: str, problem: str | None) -> None:
        """Log and diagnose a problem in one sentence; or, with None, note that it is over."""
        if problem is None:
            self._problems.solve(subject)
        elif self._problems.report(subject, problem):
            logger = self._node.get_logger()  # which allows one severity a line of code
            if subject == "pose":
                logger.warning(problem)
            else:
                logger.error(problem)
            self._publish()

    def _on_timer(self) -> None:
        silence = self._silence()
        if silence:
            self._node.get_logger().warning(silence, throttle_duration_sec=5.0)
        self._publish()

    def _publish(self) -> None:
        header = Header(stamp=self._node.get_clock().now().to_msg())
        name = self._node.get_fully_qualified_name()[1:]
        unknown = on_node.unknown(self._node)
        said = "; ".join(unknown) or self._node.stage
        parts = Check("parameters", WARN if unknown else OK, said, {})
        checks = (self._input(), self._target(), parts)
        self._publisher.publish(to_array(checks, header, name, ""))

    def _input(self) -> Check:
        problem = self._problems.present("camera", "depth", "output")
        values = {name: self.counts[name] for name in ("detections", "depth", "unpaired")}
        values["malformed"] = self._problems.counts["camera"] + self._problems.counts["depth"]
        silence = None if problem else self._silence()
        level = ERROR if problem else WARN if silence else OK
        return Check("input", level, problem or silence or self._node.stage, values)

    def _silence(self) -> str | None:
        """The watchdog's complaint."""
        watchdog, now = self._node.get_parameter("watchdog").value, time.monotonic()
        topics = {"detections": "detections", "depth": "depth/image", "camera": "depth/camera_info"}
        if self._node.get_parameter("depth_source").value == "points":
            topics |= {"depth": "points", "camera": "points"}
        longest: dict[str, float] = {}  # by topic: two inputs may come from one
        for what, last in self._last.items():
            topic = self._node.resolve_topic_name(topics[what])
            longest[topic] = max(now - last, longest.get(topic, 0.0))
        silent = [
            f"{topic}: no usable message for {seconds:.0f} s"
            for topic, seconds in longest.items()
            if seconds > watchdog
        ]
        return "; ".join(silent) if silent and self._node.stage == "active" else None

    def _target(self) -> Check:
        problem = "; ".join(filter(None, map(self._problems.present, ("target", "pose"))))
        values = {"places": self.counts["places"], "problems": self._problems.counts["target"]}
        return Check("target", WARN if problem else OK, problem or self._node.stage, values)
