"""Monitoring of the node: the log, /diagnostics once a second, the watchdog."""

import math
import time
from collections.abc import Iterable
from dataclasses import replace

from diagnostic_msgs.msg import DiagnosticArray
from std_msgs.msg import Header

from ..runtime.answer import Answer
from ..runtime.outputs.health import (
    ERROR,
    OK,
    WARN,
    Check,
    GateWindow,
    Problems,
    one_line,
)
from ..runtime.outputs.input_health import InputHealth
from ..runtime.outputs.process import ProcessorUse, memory_values
from ..runtime.outputs.status import to_array
from . import qos
from .parameters import TRACKER, on_node
from .process.timers import steady_timer

# Subjects; problems of all others are errors.
WARNINGS = ("stamp", "jump", "detections", "targets", "waiting")
# Those that are about a topic other than the images'.
TOPICS = {"init": "~/init_target", "inits": "~/init_targets", "remove": "~/remove_target"}
TOPICS |= {"detections": "detections"}
LONGEST = 1000  # characters of a problem


class Monitor:
    """Watches over a TrackerNode, of which it reads the public state.

    It works in every lifecycle state, so that a failed configuration is diagnosed, too.
    """

    def __init__(self, node):
        self._node = node
        self._problems = Problems()
        self._processor = ProcessorUse()
        self.startup = math.nan  # seconds until the node was active, where it started by itself
        self._last_image = math.nan  # time.monotonic()
        self.gates = GateWindow()
        self._input_health = InputHealth()
        self._answer: Answer | None = None  # the latest
        self.passed_over = ""  # class and score of the best of detections that were none to use
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", qos.RELIABLE)
        steady_timer(node, 1.0, self._on_timer)

    def report(self, subject: str, problem: str | None) -> None:
        """Log and diagnose a problem in one sentence; or, with None, note that it is over."""
        if problem is None:
            self._problems.solve(subject)
            return
        sentence = problem
        if subject in ("image", "qos", "stamp", "jump"):
            sentence = f"{self._node.image_topic}: {problem}"
        elif subject in TOPICS:
            sentence = f"{self._node.resolve_topic_name(TOPICS[subject])}: {problem}"
        cut = f"{sentence[:LONGEST]} ..." if len(sentence) > LONGEST else sentence
        sentence = one_line(cut)
        if self._problems.report(subject, sentence):
            logger = self._node.get_logger()  # which allows one severity a line of code
            if subject in WARNINGS:
                logger.warning(sentence)
            else:
                logger.error(sentence)
            self._publish()

    def begin(self) -> None:
        """The node becomes active: forget what was seen before."""
        self._input_health, self.passed_over = InputHealth(), ""
        self._problems.forget()
        self.forget()
        self.restart_watchdog()

    def forget(self) -> None:
        """There is no target any more: what was said of it, and of starts that failed, is over."""
        self._answer = None
        for subject in ("init", "inits"):
            self._problems.solve(subject)

    def restart_watchdog(self) -> None:
        """Start the watchdog's time anew: an image came, or is expected from now on."""
        self._last_image = time.monotonic()
        self._problems.solve("qos")

    def see(self, message, stamp: int) -> None:
        """Note an image that is in order; ``stamp`` in ns."""
        encoding = message.encoding if hasattr(message, "encoding") else message.format
        self._input_health.see(
            stamp / 1e9, self._node.get_clock().now().nanoseconds / 1e9, encoding
        )

    def follow(self, answer: Answer) -> None:
        """Note the worker's latest answer."""
        self._answer = answer
        self._input_health.see_size(*answer.image.shape[1::-1])

    def _on_timer(self) -> None:
        silence = self._silence()
        if silence:
            self._node.get_logger().warning(silence, throttle_duration_sec=5.0)
        if self._node.images:
            self._node.images.rematch()
        self._input_health.sample(time.monotonic(), self._counters())
        for warning in self._input_warnings() + self._node.rivals("~/detections"):
            self._node.get_logger().warning(warning, throttle_duration_sec=10.0)
        self._publish()

    def _silence(self) -> str | None:
        """The watchdog's complaint."""
        seconds = time.monotonic() - self._last_image
        if self._node.stage != "active" or seconds < self._node.get_parameter("watchdog").value:
            return None
        publishers = self._node.images.publishers() if self._node.images else ""
        return f"{self._node.image_topic}: no image for {seconds:.0f} s; {publishers}"

    def _publish(self) -> None:
        header = Header(stamp=self._node.get_clock().now().to_msg())
        name = self._node.get_fully_qualified_name()[1:]
        checks = (
            self._input(),
            self._stamps(),
            self._watchdog(),
            self._target(),
            self._back_end(),
            self.gates.check(),
            self._check("parameters", (), on_node.useless(self._node, TRACKER)),
        )
        self._publisher.publish(to_array(checks, header, name, self._node.image_topic))

    def _check(
        self, name: str, subjects: tuple[str, ...] = (), warnings: Iterable[str] = (), **values
    ) -> Check:
        """The latest error and warning of ``subjects``; without an error the ``warnings``, too."""
        present = self._problems.present
        error = present(*(s for s in subjects if s not in WARNINGS))
        warning = present(*(s for s in subjects if s in WARNINGS))
        sentences = [*([error] if error else warnings), *([warning] if warning else [])]
        level = ERROR if error else WARN if sentences else OK
        return Check(name, level, "; ".join(sentences) or self._node.stage, values)

    def _counters(self) -> dict[str, int]:
        slot, images = self._node.slot, self._node.images
        return {
            "received": slot.received if slot else 0,
            "overtaken": slot.dropped - slot.misfits if slot else 0,
            "misfits": slot.misfits if slot else 0,
            "malformed": self._problems.counts["image"],
            "lost": images.lost if images else 0,
        }

    def _input(self) -> Check:
        counters, images = self._counters(), self._node.images
        values = {
            "topic": self._node.image_topic,
            "quality_of_service": qos.describe(images.profile) if images else "",
            **self._input_health.values(),
            "received": counters["received"],
            "dropped": counters["overtaken"] + counters["misfits"],
            "wrong_stamps": counters["misfits"],
            "lost_in_transport": counters["lost"],
            "malformed": counters["malformed"],
            "time_jumps": self._problems.counts["jump"],
        }
        subjects = ("image", "jump", "stamp")
        return self._check("input", subjects, self._input_warnings(), **values)

    def _input_warnings(self) -> list[str]:
        images = self._node.images
        warnings = self._input_health.warnings(images.names()) if images else []
        return [f"{self._node.image_topic}: {warning}" for warning in warnings]

    def _stamps(self) -> Check:
        warning = self._input_health.stamp_warning() if self._node.images else None
        values = self._input_health.stamp_values()
        return self._check("stamps", (), [warning] if warning else (), **values)

    def _watchdog(self) -> Check:
        silence = self._silence()
        if silence and not self._problems.present("qos"):  # perhaps the camera is switched off
            return Check("watchdog", WARN, silence, {})
        return self._check("watchdog", ("qos",))

    def _target(self) -> Check:
        answer, counts = self._answer if self._node.slot else None, self._problems.counts
        targets = answer.targets if answer and self._node.enabled else ()
        if targets:  # a box that was refused beside them is soon forgotten
            self._problems.fade("init", "inits")
        warnings = [
            f"target {one.target.id} has been lost for {one.result.lost_frames} frames"
            for one in targets
            if one.result and one.result.lost_frames
        ]
        warnings += self._node.rivals("~/detections")
        check = self._check(
            "target",
            ("init", "inits", "waiting", "remove", "failure", "tracking", "targets", "detections"),
            warnings,
            enabled=self._node.enabled,
            targets=", ".join(f"{one.target.id} {one.state}" for one in targets),
            failed_starts=counts["init"] + counts["inits"],
            failures=counts["failure"],
            failed_removals=counts["remove"],
            unusable_detections=counts["detections"],
            passed_over_detection=self.passed_over,
        )
        if check.level == OK and not self._node.enabled:
            return replace(check, message="tracking is disabled")
        return check

    def _back_end(self) -> Check:
        problem, tracker = self._problems.present("model"), self._node.tracker
        if tracker is None:
            return Check("back end", ERROR if problem else WARN, problem or "no model loaded", {})
        provider = tracker.engine.provider
        values = {"model": self._node.get_parameter("model").value, **tracker.engine.facts}
        values["startup_s"] = f"{self.startup:.2f}"
        values["processor_cores_used"] = f"{self._processor.since_last():.2f}"
        return Check("back end", OK, provider, values | memory_values(provider))
