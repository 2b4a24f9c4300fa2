"""Nodes as processes, and a camera that talks to one and hears its answers."""

import functools
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from tracker_ros.replay.session import node_command

PATIENCE = 120.0  # seconds for one answer, on a machine that is busy
SIZE, TARGET = (320, 240), (48, 48)
OUT = Path("out")


def frame(index: int) -> tuple[np.ndarray, tuple[float, ...]]:
    """A textured square that circles over noise; uint8 [240, 320, 3] and its box."""
    angle = index / 25
    x, y = 130 + 70 * np.cos(angle), 90 + 50 * np.sin(angle)
    image, patch = _scenery()
    image = image.copy()
    x, y, (w, h) = round(x), round(y), TARGET
    image[y : y + h, x : x + w] = patch
    return image, (float(x), float(y), float(w), float(h))


@functools.cache
def _scenery() -> tuple[np.ndarray, np.ndarray]:
    chance = np.random.default_rng(0)
    noise = chance.integers(60, 160, (*SIZE[::-1], 3), dtype=np.uint8)
    patch = cv2.resize(chance.integers(0, 255, (6, 6, 3), dtype=np.uint8), TARGET)
    return cv2.GaussianBlur(noise, (0, 0), 3), patch


class Node:
    """A node as a process, with its log."""

    def __init__(self, name: str, namespace: str, remap: dict | None = None, **parameters):
        self.log = OUT / "soak" / f"{namespace.strip('/').replace('/', '-')}-{name}.log"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        command = node_command(name, namespace, parameters, remap)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        """End it as Ctrl-C does. Raises AssertionError where that fails."""
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(PATIENCE) == 0, f"status {self.process.returncode}: {self.log}"
        assert "Traceback" not in self.log.read_text(errors="replace"), self.log

    @property
    def memory_mib(self) -> float:
        """What it has in memory now, without what it shares with files."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"RssAnon:\s*(\d+) kB", status)[1]) / 1024


class Camera:
    """Publishes images to one tracker node and hears its answers.

    executor: of another camera, which then hears for both.
    """

    def __init__(self, namespace: str, executor=None):
        import rclpy
        from diagnostic_msgs.msg import DiagnosticArray
        from rclpy.executors import SingleThreadedExecutor
        from sensor_msgs.msg import Image
        from vision_msgs.msg import Detection2D, Detection2DArray

        self.node = rclpy.create_node("camera", namespace=namespace)
        self.executor = executor or SingleThreadedExecutor()
        self.executor.add_node(self.node)
        self._images = self.node.create_publisher(Image, "image", 10)
        self._inits = self.node.create_publisher(Detection2D, "tracker_node/init_target", 10)
        self.boxes, self.states = {}, {}
        listen = self.node.create_subscription
        listen(Detection2DArray, "tracker_node/detections", self._on_detections, 100)
        listen(DiagnosticArray, "tracker_node/status", self._on_status, 100)

    def _on_detections(self, message) -> None:
        from tracker_ros.conversions.stamps import stamp_to_ns

        self.boxes[stamp_to_ns(message.header.stamp)] = len(message.detections)

    def _on_status(self, message) -> None:
        from tracker_ros.conversions.stamps import stamp_to_ns

        values = {item.key: item.value for item in message.status[0].values}
        self.states[stamp_to_ns(message.header.stamp)] = values["state"]

    def close(self) -> None:
        self.executor.remove_node(self.node)
        self.node.destroy_node()

    def send(self, index: int) -> int:
        """Publish a frame; returns its stamp."""
        from std_msgs.msg import Header

        from tracker_ros.conversions.images import bgr_to_image
        from tracker_ros.conversions.stamps import ns_to_stamp

        stamp = time.time_ns()
        header = Header(frame_id="camera", stamp=ns_to_stamp(stamp))
        self._images.publish(bgr_to_image(frame(index)[0], header))
        return stamp

    def start(self, index: int) -> None:
        """Make the tracker follow the square, however often that takes."""
        from std_msgs.msg import Header

        from tracker_ros.conversions.boxes import box_to_detection
        from tracker_ros.conversions.stamps import ns_to_stamp

        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            stamp = self.send(index)
            header = Header(frame_id="camera", stamp=ns_to_stamp(stamp))
            self._inits.publish(box_to_detection(frame(index)[1], header))
            self.spin(1.0, lambda: self.boxes.get(stamp))  # noqa: B023
            if self.boxes.get(stamp):
                return
        raise AssertionError("the tracker did not start")

    def spin(self, seconds: float, enough) -> bool:
        """Take messages in until ``enough()``."""
        end = time.monotonic() + seconds
        while not enough():
            if time.monotonic() > end:
                return False
            self.executor.spin_once(timeout_sec=0.05)
        return True

    def ask(self, index: int) -> str:
        """Send a frame and wait for its answer; the tracker's state."""
        stamp = self.send(index)
        answered = self.spin(PATIENCE, lambda: stamp in self.states and stamp in self.boxes)
        assert answered, f"frame {index} was not answered"
        self.boxes.clear()
        return self.states.pop(stamp)


@contextmanager
def tracked(namespace: str, **parameters) -> Iterator[tuple[Node, Camera]]:
    """A tracker node and its camera; the node must end as Ctrl-C asks at the end."""
    tracker, camera = Node("tracker_node", namespace, **parameters), Camera(namespace)
    try:
        yield tracker, camera
        tracker.end()
    finally:
        tracker.kill()
        camera.close()
