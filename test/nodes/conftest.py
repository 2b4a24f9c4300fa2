"""A tracker node in a process of its own, and a peer that talks to it over DDS."""

import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from test.domains import own_domain

ROOT = Path(__file__).parents[2]
PATIENCE = 120.0  # seconds; only a failing test waits so long
STEP = 33_000_000  # ns between two frames
BLANK = np.full((240, 320, 3), 128, np.uint8)


class Peer:
    """A node of the test's own process: a camera, an operator and a recorder in one."""

    asked = "tracker_node"  # whose services are called

    def __init__(self, context, namespace: str):
        import rclpy
        from diagnostic_msgs.msg import DiagnosticArray
        from rclpy.executors import SingleThreadedExecutor
        from rclpy.qos import QoSProfile, ReliabilityPolicy
        from sensor_msgs.msg import CompressedImage, Image
        from vision_msgs.msg import Detection2D, Detection2DArray

        from tracker_ros.nodes import qos

        self.node = rclpy.create_node("peer", namespace=namespace, context=context)
        self._executor = SingleThreadedExecutor(context=context)
        self._executor.add_node(self.node)
        self.images = self.node.create_publisher(Image, "image", qos.RELIABLE)
        self.jpegs = self.node.create_publisher(CompressedImage, "image/compressed", qos.RELIABLE)
        self.inits = self.node.create_publisher(
            Detection2D, "tracker_node/init_target", qos.RELIABLE
        )
        self.detections = defaultdict(list)  # Detection2DArray by stamp (ns), as they came
        self.statuses = defaultdict(list)  # status values by stamp
        self.order = []  # stamps of the detections
        self.diagnostics = []
        self._asked = 0  # when a diagnosis was asked for, ns; older ones do not count
        self.stamp = 1_000_000_000_000
        self._clients = {}

        # Nothing is pushed out while the test does not spin: a frame may be answered only once.
        deep = QoSProfile(depth=1000, reliability=ReliabilityPolicy.RELIABLE)

        def subscribe(kind, topic, callback):
            self.node.create_subscription(kind, topic, callback, deep)

        subscribe(Detection2DArray, "tracker_node/detections", self._on_detections)
        subscribe(DiagnosticArray, "tracker_node/status", self._on_status)
        subscribe(DiagnosticArray, "/diagnostics", self._on_diagnostics)

    def _on_detections(self, message):
        from tracker_ros.conversions.stamps import stamp_to_ns

        stamp = stamp_to_ns(message.header.stamp)
        self.detections[stamp].append(message)
        self.order.append(stamp)

    def _on_status(self, message):
        from tracker_ros.conversions.stamps import stamp_to_ns

        values = {item.key: item.value for item in message.status[0].values}
        self.statuses[stamp_to_ns(message.header.stamp)].append(values)

    def _on_diagnostics(self, message):
        from tracker_ros.conversions.stamps import stamp_to_ns

        if stamp_to_ns(message.header.stamp) < self._asked:
            return  # it may be over, and has only been waiting to be taken in
        # All nodes publish there, also those that other files of tests have started.
        own = f"{self.node.get_namespace()[1:]}/{self.asked}: "
        self.diagnostics.extend(one for one in message.status if one.name.startswith(own))

    def until(self, condition, what: str):
        """Spin until `condition()` is true and return it."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            result = condition()
            if result:
                return result
            self._executor.spin_once(timeout_sec=0.1)
        raise AssertionError(f"waited {PATIENCE:g} s in vain for {what}")

    def spin(self, seconds: float) -> None:
        """Take in what comes in that time."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._executor.spin_once(timeout_sec=left)

    def header(self, stamp: int | None = None, frame_id: str = "camera"):
        from std_msgs.msg import Header

        from tracker_ros.conversions.stamps import ns_to_stamp

        return Header(frame_id=frame_id, stamp=ns_to_stamp(self.stamp if stamp is None else stamp))

    def send(self, image: np.ndarray, stamp: int | None = None, **fields) -> int:
        """Publish an image, its fields changed to `fields`; returns its stamp."""
        from tracker_ros.conversions.images import bgr_to_image

        self.stamp = self.stamp + STEP if stamp is None else stamp
        message = bgr_to_image(image, self.header())
        for name, value in fields.items():
            setattr(message, name, value)
        self.images.publish(message)
        return self.stamp

    def show(self, image: np.ndarray, **fields) -> int:
        """Send an image and wait until the tracker has it; its stamp.

        A box that comes before its image is kept for a second, in which a slow machine may not see
        the image.
        """
        return self.taken(self.send(image, **fields))

    def taken(self, stamp: int) -> int:
        """Wait until the tracker has the image of this stamp, and has answered it or not."""
        self.until(lambda: self.statuses[stamp], f"a status of the frame of {stamp}")
        return stamp

    def send_jpeg(self, image: np.ndarray, data=None) -> int:
        from tracker_ros.conversions.images import bgr_to_compressed

        self.stamp += STEP
        message = bgr_to_compressed(image, self.header())
        if data is not None:
            message.data = data
        self.jpegs.publish(message)
        return self.stamp

    def init(self, box, stamp: int, target_id: str = "", class_id: str = "") -> None:
        from tracker_ros.conversions.boxes import box_to_detection

        self.inits.publish(box_to_detection(box, self.header(stamp), target_id, class_id))

    def answer(self, stamp: int):
        """The last detections and status values of the frame with this stamp."""
        self.until(lambda: len(self.statuses[stamp]) >= len(self.detections[stamp]) > 0,
                   f"an answer to the frame of {stamp}")  # fmt: skip
        return self.detections[stamp][-1], self.statuses[stamp][-1]

    def ask(self, image: np.ndarray, **fields):
        """Send an image and wait for the answer."""
        return self.answer(self.send(image, **fields))

    @staticmethod
    def overlap(detections, box) -> float:
        """Intersection over union of the only detection in `detections` and `box`."""
        from tracker_ros.conversions.boxes import detection_to_box
        from tracker_ros.evaluation.metrics import iou

        (detection,) = detections.detections
        return float(iou([detection_to_box(detection)], [box])[0])

    def start(self, image: np.ndarray, box, **ids) -> str:
        """Make the tracker track what is in `box`; returns the target's id."""
        stamp = self.show(image)
        self.init(box, stamp, **ids)
        return self.started(stamp, box)

    def started(self, stamp: int, box) -> str:
        """Wait for the answer that starts on `box` in the frame of `stamp`; the target's id."""
        from tracker_ros.conversions.boxes import detection_to_box

        def found() -> list[str]:
            # The frame may have had an answer before it got the one that starts.
            answers = zip(self.detections[stamp], self.statuses[stamp], strict=False)
            given = [d for answer, _ in answers for d in answer.detections]
            return [d.id for d in given if np.allclose(detection_to_box(d), box)]

        return self.until(found, f"a start in the frame of {stamp}")[-1]

    def diagnosis(self, check: str, words: str, last: bool = False):
        """The next status of this check that the node publishes and whose message contains `words`.

        last: or the last one since the diagnostics were cleared, for what is soon over.
        """
        if not last:
            self.diagnostics.clear()
            self._asked = self.node.get_clock().now().nanoseconds

        def found():
            return [
                s for s in self.diagnostics if s.name.endswith(f": {check}") and words in s.message
            ]

        return self.until(found, f"a diagnostic of {check} that says {words!r}")[-1]

    def call(self, kind, name: str, request):
        """Call a service and return its response."""
        if name not in self._clients:
            self._clients[name] = self.node.create_client(kind, f"{self.asked}/{name}")
        client = self._clients[name]
        self.until(client.service_is_ready, f"the service {name}")
        future = client.call_async(request)
        self.until(future.done, f"an answer from the service {name}")
        return future.result()

    def change_state(self, label: str = "", number: int = 0) -> bool:
        from lifecycle_msgs.msg import Transition
        from lifecycle_msgs.srv import ChangeState

        request = ChangeState.Request(transition=Transition(label=label, id=number))
        return self.call(ChangeState, "change_state", request).success

    def set_parameters(self, **values) -> list[str]:
        """Set parameters; returns the reasons of those that were refused."""
        from rcl_interfaces.srv import SetParameters
        from rclpy.parameter import Parameter

        changes = [Parameter(k, value=v).to_parameter_msg() for k, v in values.items()]
        request = SetParameters.Request(parameters=changes)
        results = self.call(SetParameters, "set_parameters", request).results
        return [result.reason for result in results if not result.successful]

    def parameter(self, name: str):
        """A parameter's ParameterValue."""
        from rcl_interfaces.srv import GetParameters

        (value,) = self.call(
            GetParameters, "get_parameters", GetParameters.Request(names=[name])
        ).values
        return value

    def meet(self, image: np.ndarray = BLANK) -> int:
        """Send an image until both sides have found each other; the stamp of the first answer."""
        images = self.node.resolve_topic_name("image")
        self.until(lambda: self.node.count_subscribers(images), "a subscriber of the images")
        self.until(self.inits.get_subscription_count, "a subscriber of init_target")
        first = self.stamp

        def answered() -> list[int]:
            self.send(image)
            self._executor.spin_once(timeout_sec=0.5)
            return [stamp for stamp in self.order if stamp > first and self.statuses[stamp]]

        return self.until(answered, "a first answer")[0]

    def restart(self, **values) -> None:
        """Deactivate, set parameters, activate."""
        assert self.change_state("deactivate")
        assert self.set_parameters(**values) == []
        assert self.change_state("activate")


class NodeProcess:
    """A node run as a process; its output is kept."""

    def __init__(self, name: str, *arguments: str):
        # Nobody reads a pipe while the node runs: full of warnings, it would stop the node.
        self._log = tempfile.NamedTemporaryFile()  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tracker_ros.nodes.entry", name, "--ros-args", *arguments],
            cwd=ROOT, stdout=self._log, stderr=subprocess.STDOUT,
        )  # fmt: skip

    @property
    def output(self) -> str:
        """What it has said so far."""
        return Path(self._log.name).read_text(errors="replace")

    def wait_for(self, words: str) -> None:
        """Wait until it has said ``words``."""
        end = time.monotonic() + PATIENCE
        while words not in self.output:
            over = self.process.poll() is not None or time.monotonic() > end
            assert not over or words in self.output, self.output
            time.sleep(0.05)

    def end(self, number: int | None = None) -> tuple[int, str]:
        """Send a signal, if given; exit code and output once the process has ended."""
        if number is not None:
            self.process.send_signal(number)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        output = self.output
        self._log.close()
        return self.process.returncode, output

    def kill(self) -> None:
        """End it, whatever it does, where that is not done."""
        self.process.kill()
        self.process.wait()
        self._log.close()


@contextmanager
def ending_well(peer: Peer, *nodes: NodeProcess):
    """The peer of these nodes, each of which must end well on SIGINT when it is done."""
    try:
        yield peer
    finally:
        peer.node.destroy_node()
        ends = [node.end(signal.SIGINT) for node in nodes]
    for code, output in ends:
        assert code == 0, output
        assert "Traceback" not in output


@pytest.fixture(scope="session")
def ros():
    """An rclpy context with the package's Fast DDS profile, apart from every other run."""
    import rclpy
    from rclpy.context import Context

    from tracker_ros.nodes.process import dds

    context = Context()
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in own_domain().items():
            patch.setenv(variable, value)
        for variable in dds.CHOICES:
            patch.delenv(variable, raising=False)
        dds.use_profile()
        rclpy.init(context=context)
        yield context
        rclpy.shutdown(context=context)


@pytest.fixture
def run_node(ros):
    """Starts nodes as processes, and kills those that the test leaves behind."""
    started = []

    def run(name: str, *arguments: str) -> NodeProcess:
        started.append(NodeProcess(name, *arguments))
        return started[-1]

    yield run
    for node in started:
        node.kill()


@pytest.fixture(scope="session")
def camera1(ros):
    """A peer in touch with an active tracker node, which must end well on SIGINT.

    The images are reliable: on a busy machine best effort may lose the one that a test is about.
    """
    process = NodeProcess(
        "tracker_node", "-r", "__ns:=/camera1", "--params-file", str(ROOT / "config/tracker.yaml"),
        "-p", "image_qos:=DEFAULT",
    )  # fmt: skip
    with ending_well(Peer(ros, "/camera1"), process) as peer:
        peer.meet()
        yield peer


@pytest.fixture(scope="module")
def tracker(camera1):
    """The peer of ``camera1``; its node knows nothing of what other files of tests have sent."""
    camera1.stamp = max([camera1.stamp, *camera1.order]) + 10**12  # never answered before
    camera1.restart()
    camera1.meet()
    return camera1
