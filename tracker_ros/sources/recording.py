"""The raw messages of a rosbag2 recording, of damaged ones too."""

import io
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from rosbags.interfaces import Connection, MessageDefinition, MessageDefinitionFormat
from rosbags.rosbag2 import Reader

from ..core.errors import SourceError
from .folder import natural_key

logger = logging.getLogger(__name__)

SUFFIXES = (".mcap", ".db3")


class Recording:
    """Topics and raw messages of a bag directory or of one .mcap or .db3 file.

    connections: topic -> rosbags Connection (type, definition; msgcount where intact).
    intact: False if the bag's index is damaged, so that messages were salvaged one by one.
    problems: what could not be read, a sentence each; they are logged, too.
    """

    def __init__(self, path: Path):
        self.path = path
        self.connections: dict[str, Connection] = {}
        self.problems: list[str] = []
        try:
            with Reader(path) as reader:
                for c in reader.connections:
                    known = self.connections.get(c.topic, c._replace(msgcount=0))
                    self.connections[c.topic] = c._replace(msgcount=known.msgcount + c.msgcount)
        except Exception as error:  # damaged bytes raise anything from rosbags' parsers
            self.intact = False
            self._salvage(_sentence(error))
        else:
            self.intact = True

    def _salvage(self, reason: str) -> None:
        self._files = [self.path]
        if self.path.is_dir():
            files = (p for p in self.path.iterdir() if p.suffix in SUFFIXES)
            self._files = sorted(files, key=natural_key)
        self.connections = {}
        for file in self._files:
            for connection, _, _ in self._stream(file):
                self.connections.setdefault(connection.topic, connection)
        if not self.connections:
            raise SourceError(f"{self.path} is not a readable bag: {reason}")
        self.warn(f"{self.path} is damaged ({reason}); reading what is left of it")

    def messages(self, topic: str) -> Iterator[tuple[int, bytes]]:
        """Yield log time (ns) and bytes of each message; warn where a damaged bag breaks off."""
        if not self.intact:
            for file in self._files:
                for connection, stamp, data in self._stream(file):
                    if connection.topic == topic:
                        yield stamp, data
            return
        count = 0
        try:
            # A reader for each pass: two passes at a time must not share one file position.
            with Reader(self.path) as reader:
                wanted = [c for c in reader.connections if c.topic == topic]
                for _, stamp, data in reader.messages(wanted):
                    yield stamp, data
                    count += 1
        except Exception as error:  # as above
            reason = _sentence(error)
            self.warn(f"{self.path} breaks off after {count} messages on {topic}: {reason}")

    def _stream(self, file: Path) -> Iterator[tuple[Connection, int, bytes]]:
        """Yield every message of a storage file from its start, until its bytes make no sense."""
        count = 0
        try:
            for item in (_stream_mcap if file.suffix == ".mcap" else _stream_sqlite)(file):
                yield item
                count += 1
        except Exception as error:  # as above
            if count:
                self.warn(f"{file} breaks off after {count} messages: {_sentence(error)}")

    def warn(self, problem: str) -> None:
        """Log a problem and keep it in `problems`, once, though there are several passes."""
        if problem not in self.problems:
            self.problems.append(problem)
            logger.warning("%s", problem)


def _sentence(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__


def _connection(number: int, topic: str, msgtype: str, definition: str = "") -> Connection:
    kind = MessageDefinitionFormat.MSG if definition else MessageDefinitionFormat.NONE
    return Connection(
        number, topic, msgtype, MessageDefinition(kind, definition), "", 0, None, None
    )


def _stream_mcap(file: Path) -> Iterator[tuple[Connection, int, bytes]]:
    from mcap.records import Channel, Message, Schema
    from mcap.stream_reader import StreamReader

    schemas: dict[int, Schema] = {}
    connections: dict[int, Connection] = {}
    with file.open("rb") as stream:
        # No record is longer than the file, whatever a damaged length field claims.
        limit = stream.seek(0, io.SEEK_END)
        stream.seek(0)
        for record in StreamReader(stream, record_size_limit=limit).records:
            if isinstance(record, Schema):
                schemas[record.id] = record
            elif isinstance(record, Channel) and record.id not in connections:
                schema = schemas[record.schema_id]
                definition = schema.data.decode() if schema.encoding == "ros2msg" else ""
                connections[record.id] = _connection(
                    record.id, record.topic, schema.name, definition
                )
            elif isinstance(record, Message):
                yield connections[record.channel_id], record.log_time, record.data


def _stream_sqlite(file: Path) -> Iterator[tuple[Connection, int, bytes]]:
    uri = f"{file.resolve().as_uri()}?mode=ro&immutable=1"
    with closing(sqlite3.connect(uri, uri=True)) as database:
        # Without this SQLite refuses a file that is shorter than its header says.
        database.execute("PRAGMA writable_schema=ON")
        connections = {
            number: _connection(number, topic, msgtype)
            for number, topic, msgtype in database.execute("SELECT id, name, type FROM topics")
        }
        # In the order of recording: the index over stamps may be what is damaged.
        for number, stamp, data in database.execute(
            "SELECT topic_id, timestamp, data FROM messages ORDER BY id"
        ):
            yield connections[number], stamp, data
