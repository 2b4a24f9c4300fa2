"""The tracker as a ROS 2 lifecycle node: parameters, topics and services around a worker."""

import itertools
import math
import time
from dataclasses import fields

from rclpy.lifecycle import TransitionCallbackReturn
from std_msgs.msg import Header
from std_srvs.srv import SetBool, Trigger
from vision_msgs.msg import Detection2D, Detection2DArray

from ..conversions.boxes import check_name, detection_to_box, detections_to_candidates
from ..conversions.images import check_readable
from ..conversions.stamps import stamp_to_ns
from ..core.errors import InputError, TrackerError
from ..core.tracker import Tracker
from ..engines import load_tracker
from ..engines.watched import WatchedEngine
from ..runtime.frame_slot import FrameSlot, ReceivedImage
from ..runtime.outputs.process import process_age
from ..runtime.requests import Detection, Policy, Proposal, Start, Starts
from ..runtime.worker import Worker
from .inputs.image import ImageInput
from .inputs.message import MessageInput
from .inputs.transport import IMAGE
from .lifecycle import ManagedNode
from .monitor import Monitor
from .outputs import Outputs
from .parameters import TRACKER, on_node
from .parameters.parameter import initial_box


class TrackerNode(ManagedNode):
    """Loads its model in configure, subscribes to images and tracks while active.

    Services, init_target and diagnostics are there in every state, so that a request at the wrong
    time gets a sentence as its answer instead of silence.
    """

    topics = (
        *("image", "detections", "~/init_target", "~/init_targets", "~/remove_target"),
        *("~/detections", "~/status", "~/markers", "~/debug_image", "~/attention_image"),
        "/diagnostics",
    )

    def __init__(self, **arguments):
        super().__init__("tracker_node", TRACKER, **arguments)
        self.enabled = True
        self.tracker: Tracker | None = None
        self.slot: FrameSlot | None = None
        self.images: ImageInput | None = None
        self._monitor = Monitor(self)
        self._outputs: Outputs | None = None
        self._worker: Worker | None = None
        self._inputs = []
        self._ids = itertools.count(1)
        self.create_service(Trigger, "~/reset", self._on_reset)
        self.create_service(SetBool, "~/enable", self._on_enable)
        for kind, name, answer in (
            (Detection2D, "init_target", self._on_init_target),
            (Detection2DArray, "init_targets", self._on_init_targets),
            (Detection2D, "remove_target", self._on_remove_target),
        ):
            MessageInput(self, kind, f"~/{name}", answer)

    @property
    def image_topic(self) -> str:
        """The topic that images come from, with namespace and remapping."""
        return IMAGE.topic(self, self.get_parameter("image_transport").value)

    # Lifecycle

    def start(self) -> bool:
        """As for every managed node; logs how long it took."""
        if active := super().start():
            self._monitor.startup = process_age()
            self.get_logger().info(f"active {self._monitor.startup:.1f} s after the process began")
        return active

    def on_configure(self, state) -> TransitionCallbackReturn:
        if not self._attempt("model", self._configure):
            return TransitionCallbackReturn.FAILURE
        self.stage = "inactive"
        return super().on_configure(state)

    def on_activate(self, state) -> TransitionCallbackReturn:
        super().on_activate(state)
        if not self._attempt("init", self._activate):
            self._stop()
            super().on_deactivate(state)
            return TransitionCallbackReturn.FAILURE
        self.stage = "active"
        return TransitionCallbackReturn.SUCCESS

    def _attempt(self, subject: str, action) -> bool:
        # rclpy drops exceptions of transitions, and loading a model may raise anything.
        try:
            action()
        except Exception as error:
            kind = "" if isinstance(error, TrackerError) else f"{type(error).__name__}: "
            self._monitor.report(subject, f"{kind}{error}")
            return False
        self._monitor.report(subject, None)
        return True

    def _configure(self) -> None:
        values = on_node.read(self, TRACKER)
        self.tracker = load_tracker(
            values.model,
            engine=values.engine,
            device=values.device,
            precision=values.precision,
            allow_cpu_fallback=values.allow_cpu_fallback,
        )
        # So that ~/attention_image can show what the network looked at; nothing is computed for it.
        self.tracker = Tracker(WatchedEngine(self.tracker.engine))
        self._outputs = Outputs(self, self._monitor, values.model)
        self.get_logger().info(f"model {values.model} runs on {self.tracker.engine.provider}")

    def _activate(self) -> None:
        values = on_node.read(self, TRACKER)
        box = initial_box(values.init_bbox)
        self.slot = FrameSlot(values.history, values.time_jump)
        policy = Policy(**{field.name: getattr(values, field.name) for field in fields(Policy)})
        self._worker = Worker(self.tracker, self.slot, self._outputs, self._ids, policy)
        self._worker.enabled = self.enabled
        if box:
            self._worker.request(Start(box), patience=math.inf)
        self._worker.start()
        self._monitor.begin()
        self.images = ImageInput(
            self, values.image_transport, values.image_qos, self._on_image, self._monitor.report
        )
        if values.auto_init or values.auto_init_new or values.auto_correct:
            self._inputs.append(
                MessageInput(self, Detection2DArray, "detections", self._on_detections)
            )

    def _stop(self) -> None:
        for one in self._inputs:
            one.destroy()
        self._inputs = []
        if self.images:
            self.images.destroy()
        self.images = None
        if self._worker:
            self._worker.stop()
            self._outputs.clear()
        self._worker = self.slot = None

    def release(self) -> None:
        """Stop tracking and free everything that configure made."""
        self._stop()
        if self._outputs:
            self._outputs.destroy()
        self._outputs = self.tracker = None
        self.stage = "unconfigured"

    # Inputs

    def _on_image(self, message) -> None:
        self._monitor.restart_watchdog()
        if self.slot is None:  # a last image may come in while the node is deactivated
            return
        stamp = stamp_to_ns(message.header.stamp)
        frame = ReceivedImage(0, 0, stamp, time.monotonic(), message)
        try:
            check_readable(message)
        except InputError as error:
            self._outputs.refuse(frame, "ERROR", str(error))
            return
        verdict = self.slot.put(message, stamp, len(message.data))
        if not verdict.accepted:
            self._outputs.refuse(frame, "DROPPED", verdict.reason)
            return
        self._monitor.see(message, stamp)
        if verdict.reason:
            self._monitor.report("jump" if verdict.jumped else "stamp", verdict.reason)

    def _on_init_target(self, message: Detection2D) -> None:
        try:
            self._check_ready("a box to start on")
            start = self._start_of(message, message.header)
        except InputError as error:
            self._monitor.report("init", str(error))
            return
        self._worker.request(start)

    def _on_init_targets(self, message: Detection2DArray) -> None:
        try:
            self._check_ready("boxes to start on")
            if not message.detections:
                raise InputError("init_targets holds no box to start on")
            ids = [one.id for one in message.detections if one.id]
            if len(set(ids)) < len(ids):
                twice = next(one for one in ids if ids.count(one) > 1)
                raise InputError(f"init_targets holds the id {twice!r} twice; none was started")
        except InputError as error:
            self._monitor.report("inits", str(error))
            return
        starts, problems = [], []
        for number, one in enumerate(message.detections, 1):
            try:
                starts.append(self._start_of(one, message.header))
            except InputError as error:
                problems.append(f"box {number} of init_targets: {error}")
        self._worker.request(Starts(tuple(starts), problems=tuple(problems)))

    def _on_remove_target(self, message: Detection2D) -> None:
        if self._worker is None:
            problem = f"a target to remove was named while the node is {self.stage}"
        elif self._worker.remove(message.id):
            return
        else:
            problem = f"no target {message.id!r} to remove"
        self._monitor.report("remove", problem)

    def _check_ready(self, what: str) -> None:
        if self._worker is None or not self.enabled:
            state = self.stage if self.enabled else "not enabled"
            raise InputError(f"{what} came while the node is {state}")

    @staticmethod
    def _start_of(message: Detection2D, around: Header) -> Start:
        """What one detection asks for; what its header leaves open, that of its message says."""
        box = detection_to_box(message)
        class_id = message.results[0].hypothesis.class_id if message.results else ""
        check_name("a target's id", message.id)
        check_name("a target's class", class_id)
        stamp = stamp_to_ns(message.header.stamp)
        stamp = stamp or stamp_to_ns(around.stamp)
        frame_id = message.header.frame_id or around.frame_id
        return Start(box, stamp, message.id, class_id, frame_id)

    def _on_detections(self, message: Detection2DArray) -> None:
        values = on_node.read(self, TRACKER)
        found, problems = detections_to_candidates(message)
        for problem in problems:
            self._monitor.report("detections", problem)
        wanted = [
            Detection(box, class_id)
            for score, class_id, box in found
            if score >= values.auto_init_score and values.auto_init_class in ("", class_id)
        ]
        # A class that is spelt otherwise would leave everybody waiting without a word.
        best = found[0] if found and not wanted else None
        self._monitor.passed_over = f"{best[1]!r}, score {best[0]:.2f}" if best else ""
        if wanted and self._worker:
            header = message.header
            stamp = stamp_to_ns(header.stamp)
            self._worker.request(Proposal(tuple(wanted), stamp, header.frame_id))

    def _on_reset(self, request, response):
        response.success = self._worker is not None
        if self._worker is None:
            response.message = f"the node is {self.stage}, not active"
        else:
            dropped = self._worker.reset()
            self._forget()
            response.message = "target dropped" if dropped else "there was no target"
        return response

    def _forget(self) -> None:
        self._monitor.forget()
        self._outputs.clear()

    def _on_enable(self, request, response):
        self.enabled = request.data
        if self._worker:
            self._worker.enabled = request.data
            self._forget()
        response.success = True
        response.message = "tracking is " + ("enabled" if request.data else "disabled")
        return response
