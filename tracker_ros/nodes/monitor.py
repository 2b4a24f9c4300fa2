"""Tells people how the node is: the log, /diagnostics once a second, the watchdog."""

import math
import time

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.clock import Clock, ClockType
from rclpy.qos import qos_policy_name_from_kind
from std_msgs.msg import Header

from ..runtime.health import (
    ERROR,
    OK,
    WARN,
    Check,
    GateWindow,
    Problems,
    ProcessorUse,
    memory_values,
)
from ..runtime.status import to_array
from . import qos

WARNINGS = ("stamp", "jump", "detections")  # subjects; problems of all others are errors


class Monitor:
    """Watches over a TrackerNode, whose `stage`, `slot`, `tracker` and `image_topic` it reads.

    Works in every lifecycle state, so that a failed configuration is diagnosed, too.
    """

    def __init__(self, node):
        self._node = node
        self._problems = Problems()
        self._processor = ProcessorUse()
        self.startup = math.nan  # seconds until the node was active, where it started by itself
        self._last_image = math.nan  # time.monotonic()
        self.gates = GateWindow()
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", qos.RELIABLE)
        # A simulated clock may stand still; the watchdog must not.
        node.create_timer(1.0, self._on_timer, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def report(self, subject: str, problem: str | None) -> None:
        """Log and diagnose a problem in one sentence, or note that there is none any more."""
        if problem is None:
            self._problems.solve(subject)
            return
        image = self._node.image_topic
        topics = {"image": image, "qos": image, "stamp": image, "jump": image,
                  "init": self._node.resolve_topic_name("~/init_target"),
                  "inits": self._node.resolve_topic_name("~/init_targets"),
                  "remove": self._node.resolve_topic_name("~/remove_target"),
                  "detections": self._node.resolve_topic_name("detections")}  # fmt: skip
        sentence = f"{topics[subject]}: {problem}" if subject in topics else problem
        if self._problems.report(subject, sentence):
            logger = self._node.get_logger()  # which allows one severity a line of code
            if subject in WARNINGS:
                logger.warning(sentence)
            else:
                logger.error(sentence)
            self._publish()

    def restart_watchdog(self) -> None:
        """An image came, or from now on one should."""
        self._last_image = time.monotonic()
        self._problems.solve("qos")

    def on_incompatible_qos(self, event) -> None:
        """For rclpy's event of that name."""
        policy = qos_policy_name_from_kind(event.last_policy_kind).lower()
        asked = qos.image_profile(self._node.get_parameter("image_qos").value)
        self.report("qos", f"a publisher offers incompatible quality of service ({policy}); asked"
                           f" for {qos.describe(asked)}; {self._publishers()}")  # fmt: skip

    def _on_timer(self) -> None:
        silence = self._silence()
        if silence:
            self._node.get_logger().warning(silence, throttle_duration_sec=5.0)
        self._publish()

    def _silence(self) -> str | None:
        """The watchdog's complaint."""
        seconds = time.monotonic() - self._last_image
        if self._node.stage != "active" or seconds < self._node.get_parameter("watchdog").value:
            return None
        return f"{self._node.image_topic}: no image for {seconds:.0f} s; {self._publishers()}"

    def _publishers(self) -> str:
        offers = []
        for info in self._node.get_publishers_info_by_topic(self._node.image_topic):
            # A node's name is told apart from its topics, and may come later.
            name = "a node" if "UNKNOWN" in info.node_name else info.node_name
            offers.append(f"{name} offers {info.topic_type} {qos.describe(info.qos_profile)}")
        return ", ".join(offers) or "nobody publishes it"

    def _publish(self) -> None:
        header = Header(stamp=self._node.get_clock().now().to_msg())
        name = self._node.get_fully_qualified_name()[1:]
        checks = (self._input(), self._watchdog(), self._target(), self._back_end(),
                  self.gates.check())  # fmt: skip
        self._publisher.publish(to_array(checks, header, name, self._node.image_topic))

    def _check(self, name: str, *subjects: str, **values) -> Check:
        """The worst problem of ``subjects``, of equal ones the latest."""
        present = self._problems.present
        if problem := present(*(s for s in subjects if s not in WARNINGS)):
            return Check(name, ERROR, problem, values)
        if problem := present(*(s for s in subjects if s in WARNINGS)):
            return Check(name, WARN, problem, values)
        return Check(name, OK, self._node.stage, values)

    def _input(self) -> Check:
        slot, counts = self._node.slot, self._problems.counts
        return self._check("input", "image", "jump", "stamp",
                           topic=self._node.image_topic,
                           received=slot.received if slot else 0,
                           dropped=slot.dropped if slot else 0,
                           wrong_stamps=slot.misfits if slot else 0,
                           malformed=counts["image"], time_jumps=counts["jump"])  # fmt: skip

    def _watchdog(self) -> Check:
        silence = self._silence()
        if silence and not self._problems.present("qos"):  # perhaps the camera is switched off
            return Check("watchdog", WARN, silence, {})
        return self._check("watchdog", "qos")

    def _target(self) -> Check:
        counts = self._problems.counts
        return self._check("target", "init", "inits", "remove", "tracking", "detections",
                           enabled=self._node.enabled,
                           failed_starts=counts["init"] + counts["inits"])  # fmt: skip

    def _back_end(self) -> Check:
        problem, tracker = self._problems.present("model"), self._node.tracker
        if tracker is None:
            return Check("back end", ERROR if problem else WARN, problem or "no model loaded", {})
        provider = tracker.engine.provider
        values = {"model": self._node.get_parameter("model").value, **tracker.engine.facts}
        values["startup_s"] = f"{self.startup:.2f}"
        values["processor_cores_used"] = f"{self._processor.since_last():.2f}"
        return Check("back end", OK, provider, values | memory_values(provider))
