"""Runs the player node and the tracker node as processes and records what they publish."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from ..core.errors import TrackerError
from ..nodes.process import dds, tryout
from ..nodes.process.arguments import parameter_arguments, utf8_source
from ..sources.bag.writer import BagWriter
from .recorder import Recorder, Topics

START_SECONDS = 180.0  # until the tracker has loaded its model, on a machine busy with other things
SILENCE_SECONDS = 5  # without a message, after the last frame was played: nothing more will come
END_SECONDS = 20  # for a node to end after SIGINT


def node_command(
    name: str, namespace: str, parameters: dict[str, object], names: dict[str, str] | None = None
) -> list[str]:
    """What runs a node of this package as a process; ``names``: remapped ones."""
    command = [sys.executable, "-m", "tracker_ros.nodes.entry", name, "--ros-args"]
    for old, new in {"__ns": namespace, **(names or {})}.items():
        command += ["-r", f"{old}:={new}"]
    return command + parameter_arguments(parameters)


class NodeProcess(AbstractContextManager):
    """A node of this package as a process, ended at the end of the context, whatever happens."""

    def __init__(self, name: str, topics: Topics, parameters: dict[str, object], logs: Path):
        self._name = name
        self._log = logs / f"{name}.log"
        command = node_command(name, topics.namespace, parameters)
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)

    def __exit__(self, *exc) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        finally:
            self._process.kill()  # does nothing to a process that has ended
            self._process.wait()

    def has_ended(self) -> bool:
        """Whether it has ended well. Raises TrackerError if it failed."""
        status = self._process.poll()
        if status:
            raise TrackerError(f"{self._name} ended with status {status}: {self.last_words()}")
        return status == 0

    def last_words(self) -> str:
        """The last line of its log, and where that is."""
        lines = self._log.read_text(errors="replace").split("\n")
        line = next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
        return f"{line.removeprefix('tracker-ros: error: ')} (log: {self._log})"


def check(tracker: dict[str, object]) -> None:
    """Raise TrackerError where ``play`` could not even start its nodes, before a long run.

    tracker: parameters of tracker_node.
    """
    parameter_arguments(tracker)
    tryout.try_out()


def play(
    source: dict[str, object],
    tracker: dict[str, object],
    bag: Path | None,
    logs: Path,
    on_frame: Callable[[int], object] = lambda count: None,
    bystander: Callable | None = None,
) -> Recorder:
    """Plays a source to the tracker through DDS, in real time; returns who has heard it all.

    source, tracker: parameters of player_node and tracker_node, which subscribes reliably. bag: the
    recording to write, with the images. logs: a folder for what the nodes say. on_frame gets the
    number of images published so far. bystander: see ``Recorder.join``. Raises TrackerError, naming
    a log, where a node fails or nothing comes.
    """
    dds.use_profile()
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    logs.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("ROS_LOG_DIR", str(logs.absolute()))
    # Reliable: on a busy machine best effort may lose the image that the target starts in.
    tracker = {"image_qos": "DEFAULT"} | tracker
    # A name of its own, so that two sessions do not mix.
    topics = Topics(f"/replay_{os.getpid()}", source["image_transport"] == "compressed")
    recording = BagWriter(bag, topics.types()) if bag else nullcontext()
    with (
        utf8_source(str(source["source"])) as name,
        recording as writer,
        Recorder(topics, writer) as recorder,
    ):
        if bystander:
            recorder.join(bystander)
        with NodeProcess("tracker_node", topics, tracker, logs) as tracker_node:
            _wait_until_ready(recorder, tracker_node)
            source = source | {"source": name, "subscribers": 2, "wait": START_SECONDS}
            with NodeProcess("player_node", topics, source, logs) as player_node:
                while not player_node.has_ended():
                    _refuse_end(tracker_node)
                    recorder.spin(0.1)
                    on_frame(len(recorder.stamps))
            _drain(recorder)
            on_frame(len(recorder.stamps))
            if not recorder.outputs():
                raise TrackerError(
                    f"the tracker node found no target in {len(recorder.stamps)} images:"
                    f" {tracker_node.last_words()}"
                )
        return recorder


def _wait_until_ready(recorder: Recorder, tracker_node: NodeProcess) -> None:
    end = time.monotonic() + START_SECONDS
    while not recorder.tracker_is_ready:
        _refuse_end(tracker_node)
        if time.monotonic() > end:
            raise TrackerError(
                f"the tracker node is not ready after {START_SECONDS:g} s:"
                f" {tracker_node.last_words()}"
            )
        recorder.spin(0.1)


def _refuse_end(tracker_node: NodeProcess) -> None:
    if tracker_node.has_ended():
        raise TrackerError(f"the tracker node ended early: {tracker_node.last_words()}")


def _drain(recorder: Recorder) -> None:
    """Waits for all that still waits in the recorder's queues, and for the last answer."""
    heard, since = recorder.heard, time.monotonic()
    while recorder.spin(0.1) or not recorder.is_complete:
        if recorder.heard != heard:
            heard, since = recorder.heard, time.monotonic()
        elif time.monotonic() - since > SILENCE_SECONDS:
            return
