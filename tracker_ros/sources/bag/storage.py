"""The storage files of a recording: which they are, what kind, and how damaged ones are read."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ...core.errors import SourceError, some
from ...core.io.paths import real
from ..order import in_order
from .leaves import messages_left

if TYPE_CHECKING:
    from rosbags.interfaces import Connection

SUFFIXES = (".mcap", ".db3")
ZSTD = ".zstd"
WRITE_AHEAD, ROLLBACK = "-wal", "-journal"  # what SQLite's logs add to a file's name
_JOURNAL = b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"  # first of a rollback journal that still counts
_PART = re.compile(r"(.*)_\d+", re.DOTALL)  # of a recording that was split
_ROS1, _ZSTD_FRAME = b"#ROSBAG V", b"\x28\xb5\x2f\xfd"

Item = tuple["Connection", int, bytes]  # topic and type, log time (ns), message


def is_storage(name: str) -> bool:
    """Whether a file of this name holds messages, if it is no hidden one."""
    return name.removesuffix(ZSTD).endswith(SUFFIXES) and not name.startswith(".")


def storage_files(path: Path, listed: list[str]) -> list[Path]:
    """The files of a recording: ``path`` itself, or those in the folder, in order.

    Args:
        path: the file or folder.
        listed: the names of files in its ``metadata.yaml``; empty without one.
    Raises:
        SourceError: there is none, or they are of several recordings.
    """
    if not path.is_dir():
        return [path]
    named = [path / name for name in listed if os.path.isfile(path / name)]
    if named:
        return named
    found = in_order(p for p in path.iterdir() if is_storage(p.name) and p.is_file())
    starts = {match[1] if (match := _PART.fullmatch(_stem(p))) else p for p in found}
    if len(starts) > 1:
        names = some([p.name for p in found], most=20)
        raise SourceError(f"{path} holds several recordings, name one of them: {names}")
    return found


def _stem(path: Path) -> str:
    name = path.name.removesuffix(ZSTD)
    return name.rpartition(".")[0]


def refuse_ros1(path: Path) -> None:
    """Raise SourceError where the file is a bag of ROS 1."""
    with path.open("rb") as file:
        if file.read(len(_ROS1)) == _ROS1:
            raise SourceError(
                f"{path} is a bag of ROS 1; this makes one of ROS 2 of it:"
                f" rosbags-convert --src {path.name} --dst {path.stem}"
            )


def unpacked(data: bytes) -> bytes:
    """A message as it was before rosbag2 compressed it; CDR never begins as such a one does."""
    if data[:4] != _ZSTD_FRAME:
        return data
    import zstandard

    return zstandard.ZstdDecompressor().decompressobj().decompress(data)


def unpack_file(path: Path, folder: str) -> Path:
    """Decompress a storage file into ``folder``, as far as it goes; returns the path."""
    import zstandard

    target = Path(folder) / path.name.removesuffix(ZSTD)
    with path.open("rb") as source, target.open("wb") as file:
        for piece in zstandard.ZstdDecompressor().read_to_iter(source):
            file.write(piece)
    return target


def connection(number: int, topic: str, msgtype: str, definition: str = "") -> Connection:
    """What rosbags has for a topic; definition: the text of its message type, if known."""
    from rosbags.interfaces import (
        Connection,
        ConnectionExtRosbag2,
        MessageDefinition,
        MessageDefinitionFormat,
    )

    kind = MessageDefinitionFormat.MSG if definition else MessageDefinitionFormat.NONE
    about = ConnectionExtRosbag2("cdr", [])
    return Connection(
        number, topic, msgtype, MessageDefinition(kind, definition), "", 0, about, None
    )


def has_log(file: Path) -> bool:
    """Whether an sqlite3 file alone is not what was recorded, for a log beside it counts, too."""
    return bool(_log(file, WRITE_AHEAD) or _log(file, ROLLBACK))


def _log(file: Path, suffix: str) -> Path | None:
    """The log beside an sqlite3 file, if it holds anything.

    Some journal modes keep a rollback journal whose header is overwritten when it has served.
    """
    log = file.with_name(f"{file.name}{suffix}")
    if file.suffix != ".db3" or not log.is_file():
        return None
    with log.open("rb") as stream:
        head = stream.read(len(_JOURNAL))
    return log if (head == _JOURNAL if suffix == ROLLBACK else head) else None


def stream_sqlite(file: Path) -> Iterator[Item]:
    """Yield every message of an sqlite3 file, as its log has it, in order of recording.

    Raises SourceError or sqlite3.DatabaseError where some cannot be read, after those that can.
    """
    with _database(file) as database:
        # Without this SQLite refuses a file that is shorter than its header says.
        database.execute("PRAGMA writable_schema=ON")
        connections = {
            number: connection(number, topic, msgtype)
            for number, topic, msgtype in database.execute("SELECT id, name, type FROM topics")
        }
        wrong = 0
        for number, stamp, data in _rows(database, file):
            if number in connections and isinstance(stamp, int) and isinstance(data, bytes):
                yield connections[number], stamp, data
            else:
                wrong += 1
    if wrong:
        raise SourceError(f"{wrong} of its rows make no sense")


def _rows(database: sqlite3.Connection, file: Path) -> Iterator[tuple]:
    """Topic's id, stamp and data of all messages; raises as ``stream_sqlite`` does."""
    last = 0
    ((page,),) = database.execute("PRAGMA page_size")
    try:
        if not has_log(file) and file.stat().st_size % page:
            # SQLite would take zeros for the rest of that page.
            raise sqlite3.DatabaseError("database disk image is cut off")
        # In the order of recording: the index over stamps may be what is damaged.
        for row in database.execute(
            "SELECT id, topic_id, timestamp, data FROM messages ORDER BY id"
        ):
            yield row[1:] if row[0] > last else (None, None, None)  # of a page that is damaged
            last = max(last, row[0])
    except sqlite3.DatabaseError:
        if not has_log(file):
            yield from messages_left(file, last)
        raise


@contextmanager
def _database(file: Path) -> Iterator[sqlite3.Connection]:
    uri = f"{real(file).as_uri()}?mode=ro"
    if not has_log(file):
        with closing(sqlite3.connect(f"{uri}&immutable=1", uri=True)) as database:
            yield database
        return
    with TemporaryDirectory(prefix="tracker_ros-") as folder:
        # SQLite needs to write an index of a write-ahead log beside it; and what a rollback journal
        # takes back, it takes out of the file itself.
        if _log(file, ROLLBACK) or not os.access(real(file).parent, os.W_OK):
            copy = Path(folder) / file.name
            shutil.copyfile(file, copy)
            for suffix in (WRITE_AHEAD, ROLLBACK):
                if log := _log(file, suffix):
                    shutil.copyfile(log, f"{copy}{suffix}")
            uri = copy.as_uri()
        with closing(sqlite3.connect(uri, uri=True)) as database:
            yield database
