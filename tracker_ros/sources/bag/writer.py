"""Writes rosbag2 recordings (mcap), without ROS."""

import os
import shutil
from pathlib import Path

from ...core.errors import SourceError
from ...core.io.files import naming
from .storage import is_storage


class BagWriter:
    """A new bag with the given topics, as a context manager.

    It grows in PATH.part, and takes the place of an older bag at ``path`` when it is done. After an
    error an older bag stays. Raises SourceError where something is at ``path`` that is no bag, and
    OSError with its name where it cannot be written.

    topics: name -> message type. notes: kept in the bag's metadata.
    """

    def __init__(self, path: Path, topics: dict[str, str], notes: dict[str, str] | None = None):
        from rosbags.rosbag2 import StoragePlugin, Writer

        from .typestore import default_typestore

        self._path = Path(os.path.realpath(path))
        check_place(self._path)
        if self._path.exists() and not any(self._path.iterdir()):
            self._path.rmdir()
        # Where nothing is lost, it grows at its place.
        self._part = self._path
        if self._path.exists():
            folder = self._path.with_name(self._path.name + ".part")
            shutil.rmtree(folder, ignore_errors=True)
            self._part = folder / self._path.name
        self._types = default_typestore()
        # Version 8 is what ROS 2 Iron wrote, and what the releases before and after read.
        self._writer = Writer(self._part, version=8, storage_plugin=StoragePlugin.MCAP)
        for key, value in (notes or {}).items():
            self._writer.set_custom_data(key, value)
        self._topics = topics
        self._connections = {}

    def __enter__(self) -> "BagWriter":
        with naming(self._path):
            self._part.parent.mkdir(parents=True, exist_ok=True)
            self._writer.open()
            for topic, kind in self._topics.items():
                self._connections[topic] = self._writer.add_connection(
                    topic, kind, typestore=self._types
                )
        return self

    def __exit__(self, kind, error, traceback) -> None:
        try:
            with naming(self._path):
                self._writer.close()
        except OSError:  # the index comes last, and the disk may be full
            if self._part != self._path:
                shutil.rmtree(self._part.parent, ignore_errors=True)
            raise
        if self._part == self._path:
            return
        if isinstance(error, Exception):
            shutil.rmtree(self._part.parent)
        else:
            replace_bag(self._part, self._path)
            self._part.parent.rmdir()

    def write(self, topic: str, time_ns: int, message) -> None:
        """Write what ``typestore.bag_message`` made, or the CDR bytes of a message."""
        if not isinstance(message, bytes):
            message = self._types.serialize_cdr(message, self._topics[topic])
        with naming(self._path):
            self._writer.write(self._connections[topic], time_ns, message)


def check_place(path: Path) -> None:
    """Raise SourceError where ``path`` holds anything but a bag, which may be replaced."""
    # One that was killed while it was written has no metadata.yaml.
    if path.is_dir() and all(
        name == "metadata.yaml" or is_storage(name) for name in os.listdir(path)
    ):
        return
    if path.exists():
        raise SourceError(f"{path} is there already, and no recording: choose another place")


def replace_bag(new: Path, path: Path) -> None:
    """Put the bag ``new`` in the place of an older one. Raises SourceError as ``check_place``."""
    check_place(path)
    shutil.rmtree(path, ignore_errors=True)
    os.replace(new, path)
