"""Places in space for the tracker's boxes, from depth: a lifecycle node around ``Following``."""

import re
import time
from collections import Counter

from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseStamped
from rclpy.lifecycle import TransitionCallbackReturn
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2
from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray, Detection3DArray
from visualization_msgs.msg import MarkerArray

from ..conversions.stamps import seconds, stamp_to_ns
from ..core.errors import InputError, brief, some
from ..runtime.follow import compressed_depth, inputs, messages
from ..runtime.follow.camera import Camera, camera_of_points
from ..runtime.follow.follower import Limits
from ..runtime.follow.following import Depth, Following
from ..runtime.follow.messages import spoken
from ..runtime.follow.pairing import Pairing
from ..runtime.outputs.status import told
from . import qos
from .follow_monitor import FollowMonitor
from .inputs.message import KeptInput, MessageInput
from .inputs.transport import DEPTH, TransportInput
from .lifecycle import ManagedNode
from .parameters import FOLLOW, on_node
from .process.timers import steady_timer


class FollowNode(ManagedNode):
    """Publishes the place of each box for which there is depth, and nothing for other boxes.

    Everything carries the header of the detections, which is that of their image.
    """

    topics = (
        *("detections", "status", "points"),
        *("depth/image", "depth/image/compressedDepth", "depth/camera_info"),
        *("~/pose", "~/detections_3d", "~/markers", "/tf", "/diagnostics"),
    )

    def __init__(self, **arguments):
        super().__init__("follow_node", FOLLOW, **arguments)
        self._monitor = FollowMonitor(self)
        self._outputs = {}
        self.inputs: dict[str, MessageInput] = {}
        self._clocks = []
        # Width and height of the tracked images; empty: nobody told, and they are the camera's.
        self.image_size: tuple[int, ...] = ()
        self.camera: Camera | None = None  # of the last camera_info, if that was usable
        self._camera_frame = ""
        self._waits = 0  # for how many frames others have a place, and the pose's target has none
        self._shown: set[str] = set()  # ids that have a marker
        self._header = Header()  # of these markers

    # Lifecycle

    def on_configure(self, state) -> TransitionCallbackReturn:
        kinds = {"pose": PoseStamped, "detections_3d": Detection3DArray, "markers": MarkerArray}
        for name, kind in kinds.items():
            self._outputs[name] = self.create_lifecycle_publisher(kind, f"~/{name}", qos.RELIABLE)
        if self.get_parameter("tf").value:
            try:
                from tf2_msgs.msg import TFMessage
            except ImportError:
                self._monitor.report(
                    "output", "parameter tf is true, but tf2_msgs is not installed"
                )
                self.release()
                return TransitionCallbackReturn.FAILURE
            self._outputs["tf"] = self.create_lifecycle_publisher(TFMessage, "/tf", qos.TF)
        self._monitor.report("output", None)
        self.stage = "inactive"
        return super().on_configure(state)

    def on_activate(self, state) -> TransitionCallbackReturn:
        super().on_activate(state)
        values = on_node.read(self, FOLLOW)
        limits = Limits(values.gate, values.process_noise, values.size_change, values.forget_after)
        self._following = Following(limits, values.min_points, values.max_range)
        self._pairing = Pairing(round(values.slop * 1e9))
        self.camera, self._rectified = None, values.rectified
        self.image_size = ()
        self._monitor.begin()
        self._clocks = [steady_timer(self, 0.1, self._on_timer)]
        self._subscribe(values)
        self.stage = "active"
        return TransitionCallbackReturn.SUCCESS

    def _subscribe(self, values) -> None:
        profile = qos.PRESETS[values.depth_qos]
        self.inputs = {
            "detections": MessageInput(self, Detection2DArray, "detections", self._on_detections),
            "status": MessageInput(self, DiagnosticArray, "status", self._on_status),
        }
        if values.depth_source == "points":
            self.inputs["depth"] = MessageInput(
                self, PointCloud2, "points", self._on_points, profile
            )
        else:
            about = CameraInfo, "depth/camera_info", self._on_camera_info
            self.inputs["depth"] = TransportInput(
                self, DEPTH, values.depth_transport, self._on_depth, profile
            )
            self.inputs["camera"] = MessageInput(self, *about, profile)
            kept = self.inputs["kept"] = KeptInput(self, *about)
            self._clocks.append(steady_timer(self, 0.5, kept.look))

    def _stop(self) -> None:
        for one in self.inputs.values():
            one.destroy()
        for timer in self._clocks:
            self.destroy_timer(timer)
        self.inputs, self._clocks = {}, []
        self._hide()

    def _hide(self) -> None:
        """Take the markers away: viewers show the last ones for ever."""
        if self._shown:
            self._outputs["markers"].publish(messages.markers([], self._shown, self._header))
            self._shown = set()

    def release(self) -> None:
        """Stop following and free everything that configure made."""
        self._stop()
        for publisher in self._outputs.values():
            self.destroy_lifecycle_publisher(publisher)
        self._outputs = {}
        self.stage = "unconfigured"

    # Inputs

    def _on_detections(self, message: Detection2DArray) -> None:
        self._monitor.arrived("detections")
        self._pairing.add_boxes(stamp_to_ns(message.header.stamp), message, time.monotonic())
        self._pair()

    def _on_status(self, message: DiagnosticArray) -> None:
        found = told(message)
        if found is not None:
            frame, targets = found
            size = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", frame.get("image_size", ""))
            sides = tuple(map(int, size.groups())) if size else self.image_size
            if sides != self.image_size:
                self.image_size = sides
                self._following.clear()  # places were found as if in images of another size
            starts = {one.get("target_id", ""): one.get("started", "") for one in targets}
            self._following.tracked(stamp_to_ns(message.header.stamp), starts)

    def _on_depth(self, message: Image | CompressedImage) -> None:
        read = inputs.depth_image if isinstance(message, Image) else compressed_depth.decode
        scale = self.get_parameter("depth_scale").value
        self._add_depth(message, lambda: (*read(message, scale), None))

    def _on_points(self, message: PointCloud2) -> None:
        def read():
            points = inputs.cloud(message)
            # A copy: many are kept, and a view would keep x and y, too.
            return points[..., 2].copy(), 1.0, camera_of_points(points)

        self._add_depth(message, read)

    def _add_depth(self, message, read) -> None:
        try:
            values, scale, camera = read()
        except InputError as error:
            self._monitor.report("depth", str(error))
            return
        self._monitor.arrived("depth")
        depth = Depth(values, scale, message.header.frame_id, camera)
        size = len(values) * values.strides[0]  # what is kept, with the rows' padding
        self._pairing.add_depth(stamp_to_ns(message.header.stamp), depth, size)
        self._pair()

    def _on_camera_info(self, message: CameraInfo) -> None:
        try:
            self.camera = inputs.camera_info(message, self._rectified)
        except InputError as error:
            self.camera = None  # what came before may be of another camera
            self._monitor.report("camera", str(error))
            return
        self._camera_frame = message.header.frame_id
        self._monitor.arrived("camera")

    # Work

    def _on_timer(self) -> None:
        self._pair()  # boxes whose depth never comes
        if self._monitor.is_silent("detections"):  # the tracker is disabled, or gone
            self._hide()

    def _pair(self) -> None:
        for message, depth in self._pairing.ready(time.monotonic()):
            try:
                found, problems = self._follow(message, depth)
            except InputError as error:
                found, problems = [], [str(error)]
            except Exception as error:  # whatever it was, the next boxes may be better
                reason = f"{type(error).__name__}: {brief(error)}"
                found, problems = [], [f"the boxes could not be followed: {reason}"]
            for problem in problems:
                self._monitor.report("target", problem)
            if found and not problems:
                self._monitor.report("target", None)
            self._publish(message.header, found)

    def _follow(self, message: Detection2DArray, depth: Depth | None):
        stamp = stamp_to_ns(message.header.stamp)
        if not message.detections:
            return [], []
        if depth is None:
            self._monitor.counts["unpaired"] += 1
            slop = self.get_parameter("slop").value
            raise InputError(
                f"no depth within {slop:g} s (slop) of the boxes' stamp {seconds(stamp)};"
                f" {self._pairing.describe(stamp)}"
            )
        camera = self._camera_of(message.header.frame_id, depth)
        targets, unusable = [], []
        for detection in message.detections:
            try:
                targets.append(messages.boxed(detection))
            except InputError as error:
                unusable.append(f"target {spoken(detection.id)}: {error}")
        reach = self._pairing.reach()
        found, problems = self._following.frame(stamp, targets, depth, camera, reach)
        return found, unusable + problems

    def _camera_of(self, frame_id: str, depth: Depth) -> Camera:
        """What boxes of a frame were seen with. Raises InputError where the depth does not fit."""
        ours = spoken(frame_id)
        if not ours:
            raise InputError("the boxes have no frame_id: nobody could tell where a place is")
        if depth.frame_id != frame_id:
            raise InputError(
                f"the depth is of frame {spoken(depth.frame_id)!r}, but the boxes are of"
                f" {ours!r}: depth must be registered to the tracked image"
            )
        camera, topic = depth.camera, self.inputs["depth"].topic
        if camera is None:
            camera, topic = self.camera, self.inputs["camera"].topic
        if camera is None:
            raise InputError(f"depth comes, but no usable camera_info on {topic}")
        if self.image_size:
            camera = camera.resized(*self.image_size)
        doubt = None
        if depth.camera is None and self._camera_frame not in ("", frame_id):  # some drivers err
            doubt = (
                f"{topic} is of frame {spoken(self._camera_frame)!r}, but boxes and depth are of"
                f" {ours!r}: is it of the camera that took the images?"
            )
        self._monitor.report("frame", doubt)
        return camera

    def _publish(self, header: Header, found: list[messages.Seen]) -> None:
        self._monitor.counts["places"] += len(found)
        wanted = self.get_parameter("target_id").value or self._following.first
        chosen = [seen for seen in found if seen.id == wanted]
        self._waits = 0 if chosen or not found else self._waits + 1
        if chosen:
            self._outputs["pose"].publish(messages.pose(chosen[0], header))
            self._monitor.report("pose", None)
        elif self._waits > 1:  # the status that tells of a new target comes after its first box
            topic, others = self.resolve_topic_name("~/pose"), [spoken(one.id) for one in found]
            waiting = f"{topic} waits for target {spoken(wanted)}, which has no place"
            self._monitor.report("pose", f"{waiting}; others have: {some(others)}")
        self._outputs["detections_3d"].publish(messages.detections_3d(found, header))
        if "tf" in self._outputs and found:
            self._broadcast(header, found)
        ids = {seen.id for seen in found}
        array = messages.markers(found, self._shown - ids, header)
        self._shown, self._header = ids, header
        if array.markers:
            self._outputs["markers"].publish(array)

    def _broadcast(self, header: Header, found: list[messages.Seen]) -> None:
        counts = Counter(messages.frame_of(seen.id) for seen in found)
        clear = [seen for seen in found if counts[messages.frame_of(seen.id)] == 1]
        twice = [spoken(frame) for frame, count in counts.items() if count > 1]
        reason = f"several targets would be frame {some(twice)}, which is not broadcast"
        self._monitor.report("tf", reason if twice else None)
        if clear:
            self._outputs["tf"].publish(messages.transforms(clear, header))
