"""Monitoring of the follow node: the log, /diagnostics once a second, the watchdog."""

import math
import time

from diagnostic_msgs.msg import DiagnosticArray
from std_msgs.msg import Header

from ..runtime.outputs.health import ERROR, OK, WARN, Check, Problems, one_line
from ..runtime.outputs.status import to_array
from . import qos
from .parameters import FOLLOW, on_node
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
        """The node becomes active: what was wrong is over, and inputs are expected from now on."""
        self._problems.forget()
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
            return
        sentence = one_line(problem)
        if self._problems.report(subject, sentence):
            logger = self._node.get_logger()  # which allows one severity a line of code
            if subject in ("pose", "frame"):
                logger.warning(sentence)
            else:
                logger.error(sentence)
            self._publish()

    def _on_timer(self) -> None:
        silence = self._silence()
        if silence:
            self._node.get_logger().warning(silence, throttle_duration_sec=5.0)
        self._publish()

    def _publish(self) -> None:
        header = Header(stamp=self._node.get_clock().now().to_msg())
        name = self._node.get_fully_qualified_name()[1:]
        useless = on_node.useless(self._node, FOLLOW)
        said = "; ".join(useless) or self._node.stage
        parts = Check("parameters", WARN if useless else OK, said, {})
        checks = (self._input(), self._target(), parts)
        self._publisher.publish(to_array(checks, header, name, ""))

    def _input(self) -> Check:
        problem = self._problems.present("camera", "depth", "output")
        size, camera = self._node.image_size, self._node.camera
        values = {name: self.counts[name] for name in ("detections", "depth", "unpaired")} | {
            "malformed": self._problems.counts["camera"] + self._problems.counts["depth"],
            "image_size": "{}x{}".format(*size) if size else "unknown: no status",
            "camera_info": camera.describe() if camera else "none",
        }
        silence = None if problem else self._silence()
        warning = "; ".join(filter(None, (silence, self._problems.present("frame"))))
        level = ERROR if problem else WARN if warning else OK
        return Check("input", level, problem or warning or self._node.stage, values)

    def is_silent(self, what: str) -> bool:
        """Whether no usable message of one of ``INPUTS`` has come for as long as watchdog says."""
        now = time.monotonic()
        return now - self._last.get(what, now) > self._node.get_parameter("watchdog").value

    def _silence(self) -> str | None:
        """The watchdog's complaint."""
        if self._node.stage != "active":
            return None
        now = time.monotonic()
        silent = [
            f"{one.topic}: no usable message for {now - self._last[what]:.0f} s; {one.publishers()}"
            for what, one in self._node.inputs.items()
            if self.is_silent(what)
            # A camera may tell of itself once.
            and not (what == "camera" and self._node.camera)
        ]
        return "; ".join(silent) or None

    def _target(self) -> Check:
        problems = [*map(self._problems.present, ("target", "pose", "tf"))]
        problem = "; ".join(filter(None, problems + self._node.rivals("~/detections_3d")))
        values = {"places": self.counts["places"], "problems": self._problems.counts["target"]}
        return Check("target", WARN if problem else OK, problem or self._node.stage, values)
