"""Reads MCAP files from front to end, whatever is missing or damaged in them.

Records lie one behind the other, each after its kind and length (https://mcap.dev/spec); most are
in chunks, which may be compressed. A file that was cut off has no index, and a damaged place must
not cost what comes after it.
"""

import mmap
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from rosbags.interfaces import Connection

from ...core.errors import SourceError
from .storage import Item, connection

MISSING = "its end is missing"
MAGIC = b"\x89MCAP0\r\n"
HEADER, FOOTER, SCHEMA, CHANNEL, MESSAGE, CHUNK, LAST = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0F
_HEAD = struct.Struct("<BQ")
_CHUNK = struct.Struct("<QQQI")
_PIECE = 4096  # bytes that are decompressed at a time, so that little is lost with a damaged one
# A chunk's beginning is so particular that it is found again behind damage.
_NEXT_CHUNK = re.compile(
    rb"\x06.{5}\x00{3}.{28}(?:\x00{4}|\x03\x00{3}lz4|\x04\x00{3}zstd)", re.DOTALL
)


class McapStream:
    """The messages of one file.

    Attributes:
        profile: what the writer calls itself, "ros1" or "ros2", as far as it is known.
        foreign: topic -> encoding, for messages that are not ROS 2's.
        problems: what was damaged, in words, after all messages were read.
    """

    def __init__(self, file: Path):
        self._file = file
        self.profile = ""
        self.foreign: dict[str, str] = {}
        self.problems: list[str] = []
        self._schemas: dict[int, tuple[str, str, str]] = {}
        self._channels: dict[int, Connection | None] = {}

    def messages(self) -> Iterator[Item]:
        """Yield all that can be read. Raises SourceError where it is no MCAP file at all."""
        with self._file.open("rb") as file:
            if file.read(len(MAGIC)) != MAGIC:
                raise SourceError(f"{self._file} is no MCAP file")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                yield from self._records(data, len(MAGIC), len(data))

    def _records(self, data: mmap.mmap, place: int, end: int) -> Iterator[Item]:
        while place + _HEAD.size <= end:
            kind, length = _HEAD.unpack_from(data, place)
            start, stop = place + _HEAD.size, place + _HEAD.size + length
            if kind == FOOTER and length == 20:
                return
            if not HEADER <= kind <= LAST or stop > end:
                following = _find_chunk(data, start)
                if kind != CHUNK or following < end:  # or it is the last one, which was cut off
                    self._tell("a part of it makes no sense and was skipped")
                    place = following
                    continue
            if kind == CHUNK:
                yield from self._chunk(data[start : min(stop, end)], stop > end)
            elif kind == HEADER:
                self.profile = _text(data[start:stop], 0)[0]
            else:
                yield from self._record(kind, data[start:stop])
            place = stop
        self._tell(MISSING)

    def _chunk(self, data: bytes, cut: bool) -> Iterator[Item]:
        try:
            _, _, size, checksum = _CHUNK.unpack_from(data)
            compression, place = _text(data, _CHUNK.size)
            (length,) = struct.unpack_from("<Q", data, place)
            records = _decompressed(data[place + 8 : place + 8 + length], compression)
        except (struct.error, ValueError):
            self._tell("a part of it makes no sense and was skipped")
            return
        if cut or len(records) < size:
            self._tell("a part of it is read only as far as it makes sense")
        elif checksum and zlib.crc32(records) != checksum:
            self._tell("the checksum of a part is wrong, which is read all the same")
        place = 0
        while place + _HEAD.size <= len(records):
            kind, length = _HEAD.unpack_from(records, place)
            start, place = place + _HEAD.size, place + _HEAD.size + length
            if not HEADER <= kind <= LAST or place > len(records):
                self._tell("a part of it is read only as far as it makes sense")
                return
            yield from self._record(kind, records[start:place])

    def _record(self, kind: int, data: bytes) -> Iterator[Item]:
        try:
            yield from self._parsed(kind, data)
        except (struct.error, ValueError):
            self._tell("a record of it makes no sense")

    def _parsed(self, kind: int, data: bytes) -> Iterator[Item]:
        if kind == SCHEMA:
            name, place = _text(data, 2)
            encoding, place = _text(data, place)
            (number,), text = struct.unpack_from("<H", data), _text(data, place)[0]
            self._schemas.setdefault(number, (name, encoding, text))
        elif kind == CHANNEL:
            number, schema = struct.unpack_from("<HH", data)
            topic, place = _text(data, 4)
            encoding, _ = _text(data, place)
            if number not in self._channels:
                self._channels[number] = self._channel(number, schema, topic, encoding)
        elif kind == MESSAGE:
            number, _, log_time = struct.unpack_from("<HIQ", data)
            if number not in self._channels:
                self._tell("messages are of no known topic")
            elif found := self._channels[number]:
                yield found, log_time, data[22:]

    def _channel(self, number: int, schema: int, topic: str, encoding: str) -> Connection | None:
        name, kind, text = self._schemas.get(schema, ("", "", ""))
        if encoding != "cdr":
            self.foreign[topic] = encoding
            return None
        return connection(number, topic, name, text if kind == "ros2msg" else "")

    def _tell(self, problem: str) -> None:
        if problem not in self.problems:
            self.problems.append(problem)


def _find_chunk(data: mmap.mmap, place: int) -> int:
    """Where the next chunk begins; the end of the file if none does."""
    found = _NEXT_CHUNK.search(data, place)
    while found:
        _, length = _HEAD.unpack_from(data, found.start())
        if found.start() + length <= len(data):
            return found.start()
        found = _NEXT_CHUNK.search(data, found.start() + 1)
    return len(data)


def _text(data: bytes, place: int) -> tuple[str, int]:
    """The string at ``place`` and where the next thing begins."""
    (length,) = struct.unpack_from("<I", data, place)
    end = place + 4 + length
    if end > len(data):
        raise ValueError("a string is cut off")
    return data[place + 4 : end].decode(), end


def _decompressed(data: bytes, compression: str) -> bytes:
    """What can be decompressed from the front. Raises ValueError for an unknown compression."""
    if not compression:
        return data
    decompress: Callable[[bytes], bytes]
    if compression == "zstd":
        import zstandard

        decompress = zstandard.ZstdDecompressor().decompressobj().decompress
    elif compression == "lz4":
        import lz4.frame

        decompress = lz4.frame.LZ4FrameDecompressor().decompress
    else:
        raise ValueError(f"unknown compression {compression!r}")
    found = []
    try:
        for place in range(0, len(data), _PIECE):
            found.append(decompress(data[place : place + _PIECE]))
    except Exception:  # each library has errors of its own, and says nothing but that it is so
        pass
    return b"".join(found)
