"""The raw messages of a rosbag2 recording, of damaged ones too."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from rosbags.interfaces import Connection
from rosbags.rosbag2 import Reader, ReaderError

from ...core.errors import SourceError, brief
from .mcap import MISSING, McapStream
from .storage import (
    ZSTD,
    Item,
    has_log,
    refuse_ros1,
    storage_files,
    stream_sqlite,
    unpack_file,
    unpacked,
)

logger = logging.getLogger(__name__)

METADATA = "metadata.yaml"


class Recording:
    """Topics and raw messages of a bag directory or of one storage file.

    connections: topic -> rosbags Connection (type, definition; msgcount as the bag tells it).
    problems: what could not be read, a sentence each; they are logged, too, unless ``quiet``: of a
    bag that was read before.
    """

    def __init__(self, path: Path, quiet: bool = False):
        self.path, self._quiet = path, quiet
        self.connections: dict[str, Connection] = {}
        self.problems: list[str] = []
        self._foreign: dict[str, str] = {}
        self._reason = "it holds no message"  # why the index cannot be used
        self._unpacked: TemporaryDirectory | None = None
        self._told = _Metadata(path if path.is_dir() else path.parent)
        try:
            self._files = storage_files(path, self._told.files)
            for file in self._files:
                refuse_ros1(file)
            empty = bool(self._files) and not any(file.stat().st_size for file in self._files)
        except OSError as error:
            raise SourceError(f"{path} cannot be read: {error.strerror}") from None
        if not self._files:
            raise SourceError(f"{path} is not a readable bag: it holds no .mcap and no .db3 file")
        if empty:
            raise SourceError(f"{path} is not a readable bag: it is empty")
        self._indexed = not any(map(has_log, self._files)) and self._open_indexed()
        if not self._indexed:
            self._open_streams()

    def _open_indexed(self) -> bool:
        """Read topics by the bag's index; False where that is missing or damaged."""
        try:
            with Reader(self.path) as reader:
                for c in reader.connections:
                    known = self.connections.get(c.topic, c._replace(msgcount=0))
                    self.connections[c.topic] = c._replace(msgcount=known.msgcount + c.msgcount)
                    if c.ext and c.ext.serialization_format not in ("cdr", ""):
                        self._foreign[c.topic] = c.ext.serialization_format
        except Exception as error:  # damaged bytes raise anything from rosbags' parsers
            told = isinstance(error, ReaderError)  # others are about bytes, not about the bag
            self._reason = brief(error) if told else "its bytes make no sense"
            self.connections = {}
            return False
        for topic in self._foreign:
            self.connections.pop(topic, None)
        self._refuse_foreign()
        return True

    def _open_streams(self) -> None:
        """Find the topics by reading everything; what of it is damaged is told."""
        if any(file.suffix == ZSTD for file in self._files):
            self._unpacked = TemporaryDirectory(prefix="tracker_ros-")
            self._files = [self._unpack(file) for file in self._files]
        errors = []
        for file in self._files:
            count = 0
            try:
                for connection, _, _ in self._stream(file):
                    self.connections.setdefault(connection.topic, connection)
                    count += 1
            except Exception as error:  # as above
                reason = brief(error)
                errors.append(reason)
                if count:
                    self.warn(f"{file} breaks off after {count} messages: {reason}")
        self._refuse_foreign()
        reason = errors[0] if errors else self._reason
        if not self.connections:
            raise SourceError(f"{self.path} is not a readable bag: {reason}")
        if self._told.problem and self.path.is_dir():
            self.warn(f"{self.path} {self._told.problem}; what its files hold is read")
        elif errors or self.problems:
            self.warn(f"{self.path} is damaged ({reason}); what is left of it is read")

    def _unpack(self, file: Path) -> Path:
        if file.suffix != ZSTD:
            return file
        try:
            return unpack_file(file, self._unpacked.name)
        except Exception as error:  # zstandard has errors of its own
            self.warn(f"{file} is damaged and was unpacked as far as it goes: {brief(error)}")
            return Path(self._unpacked.name) / file.name.removesuffix(ZSTD)

    def _refuse_foreign(self) -> None:
        if self._foreign and not self.connections:
            kinds = ", ".join(sorted(set(self._foreign.values())))
            raise SourceError(
                f"{self.path} holds messages in {kinds}, not in ROS 2's CDR:"
                " convert it to a bag of ROS 2 first"
            )

    def messages(self, topic: str) -> Iterator[tuple[int, bytes]]:
        """Yield log time (ns) and bytes of each message of a topic.

        What is damaged is told, and read around; so is a count below the one that the bag tells.
        """
        seen: Counter[tuple] = Counter()
        count, whole = 0, self._indexed
        if whole:
            try:
                # A reader for each pass: two passes at a time must not share one file position.
                with Reader(self.path) as reader:
                    wanted = [c for c in reader.connections if c.topic == topic]
                    for _, stamp, data in reader.messages(wanted) if wanted else ():
                        seen[_key(stamp, data)] += 1
                        count += 1
                        yield stamp, unpacked(data)
            except Exception as error:  # as above
                reason = brief(error)
                self.warn(f"{self.path} is damaged ({reason}); what is left of it is read")
                whole = False
        if not whole:
            for file in self._files:
                for connection, stamp, data in self._quiet_stream(file):
                    if connection.topic != topic:
                        continue
                    if seen[_key(stamp, data)]:
                        seen[_key(stamp, data)] -= 1
                        continue
                    count += 1
                    yield stamp, unpacked(data)
        promised = self._promised(topic)
        if count < promised:
            self.warn(
                f"{self.path}: only {count} of the {promised} messages on {topic} could be read"
            )

    def _promised(self, topic: str) -> int:
        """How many messages the bag says that a topic has; 0 where it does not."""
        told = self._told.counts.get(topic, 0) if self._told.is_of(self.path) else 0
        return max(told, self.connections[topic].msgcount or 0)

    def _quiet_stream(self, file: Path) -> Iterator[Item]:
        try:
            yield from self._stream(file)
        except Exception as error:  # as above; it was told when the bag was opened
            self.warn(f"{file} breaks off: {brief(error)}")

    def _stream(self, file: Path) -> Iterator[Item]:
        """Yield every message of a storage file from its start, around what is damaged."""
        if file.suffix != ".mcap":
            yield from stream_sqlite(file)
            return
        stream, count = McapStream(file), 0
        for item in stream.messages():
            yield item
            count += 1
        self._foreign |= stream.foreign
        if stream.problems:
            ended = "breaks off after" if MISSING in stream.problems else "is read around damage:"
            self.warn(f"{file} {ended} {count} messages: {'; '.join(stream.problems)}")

    def warn(self, problem: str) -> None:
        """Log a problem and keep it in ``problems``, once, though there are several passes."""
        if problem not in self.problems:
            self.problems.append(problem)
            if not self._quiet:
                logger.warning("%s", problem)


class _Metadata:
    """What a bag's metadata.yaml tells: names of its files, and messages by topic.

    problem: why it tells nothing, of which the bag is the subject; "": it does.
    """

    def __init__(self, folder: Path):
        from ruamel.yaml import YAML

        self.problem = ""
        self.files: list[str] = []
        self.counts: Counter[str] = Counter()
        try:
            content = YAML(typ="safe").load((folder / METADATA).read_text(encoding="utf-8"))
            about = content["rosbag2_bagfile_information"]
            self.files = [Path(name).name for name in about["relative_file_paths"]]
            for each in about["topics_with_message_count"]:
                self.counts[each["topic_metadata"]["name"]] += int(each["message_count"])
        except OSError:
            self.problem = f"has no {METADATA}"
        except Exception:  # damaged bytes raise anything from the parser, and mean anything
            self.problem = f"has a {METADATA} that makes no sense"

    def is_of(self, path: Path) -> bool:
        """Whether the counts are of this folder or file, not of more files than that."""
        return path.is_dir() or self.files == [path.name]


def _key(stamp: int, data: bytes) -> tuple:
    """By which a message is known again that was read by the index already."""
    return stamp, len(data), bytes(data[:16])
