"""Writes rosbag2 recordings (mcap), without ROS."""

import shutil
from pathlib import Path


class BagWriter:
    """A new bag at `path` (replacing an older one) with the given topics, as a context manager.

    topics: name -> message type. notes: kept in the bag's metadata.
    """

    def __init__(self, path: Path, topics: dict[str, str], notes: dict[str, str] | None = None):
        from rosbags.rosbag2 import StoragePlugin, Writer

        from .typestore import default_typestore

        shutil.rmtree(path, ignore_errors=True)
        self._types = default_typestore()
        # Version 8 is what ROS 2 Iron wrote, and what the releases before and after read.
        self._writer = Writer(path, version=8, storage_plugin=StoragePlugin.MCAP)
        for key, value in (notes or {}).items():
            self._writer.set_custom_data(key, value)
        self._topics = topics
        self._connections = {}

    def __enter__(self) -> "BagWriter":
        self._writer.open()
        for topic, kind in self._topics.items():
            self._connections[topic] = self._writer.add_connection(
                topic, kind, typestore=self._types
            )
        return self

    def __exit__(self, *exc) -> None:
        self._writer.close()

    def write(self, topic: str, time_ns: int, message) -> None:
        """Write what `typestore.bag_message` made, or the CDR bytes of a message."""
        if not isinstance(message, bytes):
            message = self._types.serialize_cdr(message, self._topics[topic])
        self._writer.write(self._connections[topic], time_ns, message)
