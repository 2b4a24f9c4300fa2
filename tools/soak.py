"""What the nodes endure: many frames, malformed messages, kill -9, several cameras at once.

`make soak` runs it for some minutes; ARGS="--frames 100000 --minutes 60 --kills 50" for longer.
Everything goes over DDS between processes. It prints what it measured, writes it to out/soak.json,
and exits 1 where something did not hold. docs/reliability.md keeps the figures.
"""

import argparse
import array
import itertools
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np

PATIENCE = 120.0  # seconds for one answer, on a machine that is busy
WARM_UP = 0.2  # of the frames: until memory and allocators are full
GROWTH = 8.0  # MiB that memory may grow after that
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


def _scenery(cache=[]) -> tuple[np.ndarray, np.ndarray]:  # noqa: B006
    if not cache:
        chance = np.random.default_rng(0)
        noise = chance.integers(60, 160, (*SIZE[::-1], 3), dtype=np.uint8)
        patch = cv2.resize(chance.integers(0, 255, (6, 6, 3), dtype=np.uint8), TARGET)
        cache += [cv2.GaussianBlur(noise, (0, 0), 3), patch]
    return cache[0], cache[1]


class Node:
    """A node as a process, with its log."""

    def __init__(self, name: str, namespace: str, **parameters):
        self.log = OUT / "soak" / f"{namespace.strip('/')}-{name}.log"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", f"tracker_ros.nodes.{name}", "--ros-args"]
        command += ["-r", f"__ns:={namespace}"]
        for key, value in parameters.items():
            command += ["-p", f"{key}:={json.dumps(value)}"]
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
    """Publishes images to one tracker node and hears its answers."""

    def __init__(self, namespace: str):
        import rclpy
        from diagnostic_msgs.msg import DiagnosticArray
        from rclpy.executors import SingleThreadedExecutor
        from sensor_msgs.msg import Image
        from vision_msgs.msg import Detection2D, Detection2DArray

        self.node = rclpy.create_node("camera", namespace=namespace)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.node)
        self._images = self.node.create_publisher(Image, "image", 10)
        self._inits = self.node.create_publisher(Detection2D, "tracker_node/init_target", 10)
        self.boxes, self.states = {}, {}
        listen = self.node.create_subscription
        listen(Detection2DArray, "tracker_node/detections", self._on_detections, 100)
        listen(DiagnosticArray, "tracker_node/status", self._on_status, 100)

    def _on_detections(self, message) -> None:
        from tracker_ros.conversions import stamp_to_ns

        self.boxes[stamp_to_ns(message.header.stamp)] = len(message.detections)

    def _on_status(self, message) -> None:
        from tracker_ros.conversions import stamp_to_ns

        values = {item.key: item.value for item in message.status[0].values}
        self.states[stamp_to_ns(message.header.stamp)] = values["state"]

    def close(self) -> None:
        self._executor.shutdown()
        self.node.destroy_node()

    def send(self, index: int, change=lambda message: None) -> int:
        """Publish a frame, changed; returns its stamp."""
        from std_msgs.msg import Header

        from tracker_ros.conversions import bgr_to_image, ns_to_stamp

        stamp = time.time_ns()
        header = Header(frame_id="camera", stamp=ns_to_stamp(stamp))
        message = bgr_to_image(frame(index)[0], header)
        change(message)
        self._images.publish(message)
        return stamp

    def start(self, index: int) -> None:
        """Make the tracker follow the square, however often that takes."""
        from std_msgs.msg import Header

        from tracker_ros.conversions import box_to_detection, ns_to_stamp

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
        """Take messages in until `enough()`."""
        end = time.monotonic() + seconds
        while not enough():
            if time.monotonic() > end:
                return False
            self._executor.spin_once(timeout_sec=0.05)
        return True

    def ask(self, index: int) -> str:
        """Send a frame and wait for its answer; the tracker's state."""
        stamp = self.send(index)
        answered = self.spin(PATIENCE, lambda: stamp in self.states and stamp in self.boxes)
        assert answered, f"frame {index} was not answered"
        self.boxes.clear()
        return self.states.pop(stamp)


def many_frames(count: int, minutes: float, model: str) -> dict:
    """Send frames one after the other; each must be answered, and memory stay flat."""
    every = max(min(count // 100, 500), 1)
    tracker, camera = Node("tracker_node", "/soak", model=model), Camera("/soak")
    memory, states = [], {}
    try:
        camera.start(0)
        begin = time.monotonic()
        for index in range(1, count + 1):
            state = camera.ask(index)
            states[state] = states.get(state, 0) + 1
            if index % every == 0:
                memory.append(tracker.memory_mib)
            if time.monotonic() - begin > 60 * minutes:
                break
        seconds = time.monotonic() - begin
        tracker.end()
    finally:
        tracker.kill()
        camera.close()
    settled = memory[int(len(memory) * WARM_UP)]
    assert memory[-1] - settled < GROWTH, f"memory grew from {settled:.1f} to {memory[-1]:.1f} MiB"
    return {
        "frames": index, "answered": sum(states.values()), "states": states,
        "frames_per_second": round(index / seconds, 1),
        "memory_mib": {"after_warm_up": round(settled, 1), "highest": round(max(memory), 1),
                       "last": round(memory[-1], 1)},
    }  # fmt: skip


def malformed(count: int, model: str, seed: int) -> dict:
    """Send messages that are wrong at random; each must be named, and the next good one tracked."""
    chance = random.Random(seed)

    def wrong(message) -> None:
        kind = chance.randrange(7)
        if kind == 0:
            message.encoding = "".join(chance.choices("abgr816UC_", k=chance.randrange(9)))
        elif kind == 1:
            message.width = chance.choice((0, 1 << 20, 2**32 - 1))
        elif kind == 2:
            message.height = chance.choice((0, 241, 2**32 - 1))
        elif kind == 3:
            message.step = chance.randrange(960)
        elif kind == 4:
            message.data = array.array("B", bytes(chance.randrange(960 * 240)))
        elif kind == 5:
            message.data = array.array("B")
        else:
            message.encoding, message.step = "rgba16", chance.randrange(2**32)

    tracker, camera = Node("tracker_node", "/malformed", model=model), Camera("/malformed")
    named = 0
    try:
        camera.start(0)
        for index in range(count):
            bad = camera.send(index, wrong)
            camera.spin(PATIENCE, lambda: bad in camera.states)  # noqa: B023
            named += camera.states.pop(bad, "") == "ERROR"
            if index % 10 == 9:
                assert camera.ask(index) in ("TRACKING", "UNCERTAIN", "LOST")
        tracker.end()
    finally:
        tracker.kill()
        camera.close()
    assert named == count, f"{count - named} of {count} malformed images were not named"
    return {"malformed": count, "named": named}


def kills(count: int, model: str, seed: int) -> dict:
    """Kill -9 the tracker or the camera at random moments; a new one must go on."""
    chance, waits = random.Random(seed), []
    name = "/kills"
    tracker, camera = Node("tracker_node", name, model=model), Camera(name)
    try:
        camera.start(0)
        for number in range(count):
            for index in range(chance.randrange(30)):
                camera.send(index)
                camera.spin(chance.random() / 30, lambda: False)
            begin = time.monotonic()
            if number % 2:
                tracker.kill()
                tracker = Node("tracker_node", name, model=model)
            else:  # the publisher goes without a word
                camera.close()
                camera = Camera(name)
            camera.start(0)
            waits.append(time.monotonic() - begin)
        tracker.end()
    finally:
        tracker.kill()
        camera.close()
    return {
        "kills": count, "resumed": len(waits),
        "seconds_to_resume_p50": round(float(np.median(waits)), 2),
        "seconds_to_resume_max": round(max(waits), 2),
    }  # fmt: skip


def player_kills(count: int, model: str, seed: int) -> dict:
    """Kill -9 the player at random moments; the tracker must go on with the next one."""
    chance = random.Random(seed)
    clip = OUT / "soak" / "clip"
    clip.mkdir(parents=True, exist_ok=True)
    for index in range(60):
        cv2.imwrite(str(clip / f"{index:03}.png"), frame(index)[0])
    tracker, camera = Node("tracker_node", "/player", model=model), Camera("/player")
    resumed = 0
    try:
        for _ in range(count):
            player = Node("player_node", "/player", source=str(clip), loop=True, wait=0.0,
                          subscribers=1)  # fmt: skip
            camera.states.clear()
            resumed += camera.spin(PATIENCE, lambda: len(camera.states) > 3)
            camera.spin(chance.random(), lambda: False)
            player.kill()
        tracker.end()
    finally:
        tracker.kill()
        camera.close()
    assert resumed == count
    return {"player_kills": count, "resumed": resumed}


def cameras(count: int, seconds: float, rate: float, model: str) -> dict:
    """So many cameras and trackers at once."""
    names = [f"/camera{i}" for i in range(count)]
    trackers = [Node("tracker_node", name, model=model) for name in names]
    made = [Camera(name) for name in names]
    sent = dict.fromkeys(names, 0)
    answered = dict.fromkeys(names, 0)
    try:
        for camera in made:
            camera.start(0)
            camera.states.clear()
        begin = time.monotonic()
        for index in itertools.count():
            if time.monotonic() - begin > seconds:
                break
            for name, camera in zip(names, made, strict=True):
                camera.send(index)
                sent[name] += 1
            due = begin + (index + 1) / rate
            for camera in made:
                share = max(due - time.monotonic(), 0) / count
                camera.spin(share, lambda: False)
        for name, camera in zip(names, made, strict=True):
            camera.spin(1.0, lambda: False)
            answered[name] = len(camera.states)
        for tracker in trackers:
            tracker.end()
    finally:
        for tracker in trackers:
            tracker.kill()
        for camera in made:
            camera.close()
    assert all(n > 0.5 * sent[name] for name, n in answered.items()), (sent, answered)
    return {"cameras": count, "sent": sent, "answered": answered, "rate_hz": rate}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=5000, help="default: %(default)s")
    parser.add_argument("--minutes", type=float, default=5.0, help="at most (%(default)s)")
    parser.add_argument("--malformed", type=int, default=300, help="messages (%(default)s)")
    parser.add_argument("--kills", type=int, default=10, help="of tracker and camera (%(default)s)")
    parser.add_argument("--cameras", type=int, default=3, help="at once (%(default)s)")
    parser.add_argument("--seconds", type=float, default=20.0, help="of these (%(default)s)")
    parser.add_argument("--rate", type=float, default=15.0, help="of each, in Hz (%(default)s)")
    parser.add_argument("--model", default="dastm_nano", help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    from tracker_ros.nodes.process import dds

    dds.use_profile()
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    os.environ.setdefault("ROS_DOMAIN_ID", str(1 + os.getpid() % 100))
    import rclpy
    from rclpy.signals import SignalHandlerOptions

    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    parts = (
        (args.frames, lambda: many_frames(args.frames, args.minutes, args.model)),
        (args.malformed, lambda: malformed(args.malformed, args.model, args.seed)),
        (args.kills, lambda: kills(args.kills, args.model, args.seed)),
        (args.kills, lambda: player_kills(args.kills, args.model, args.seed)),
        (args.cameras, lambda: cameras(args.cameras, args.seconds, args.rate, args.model)),
    )
    results, failures = {}, []
    for wanted, part in parts:
        if not wanted:
            continue
        begin = time.monotonic()
        try:
            found = part()
        except AssertionError as error:
            failures.append(str(error))
            print(f"soak: {error}", file=sys.stderr, flush=True)
            continue
        found["seconds"] = round(time.monotonic() - begin, 1)
        results |= {next(iter(found)): found}
        print(json.dumps(found), flush=True)
    rclpy.try_shutdown()
    OUT.mkdir(exist_ok=True)
    (OUT / "soak.json").write_text(json.dumps(results | {"failures": failures}, indent=1) + "\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
