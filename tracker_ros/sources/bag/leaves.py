"""The rows of an sqlite3 file whose tree of pages is broken: from its leaves, which hold them.

SQLite finds no row whose way there leads over a page that is missing, and in a long recording the
pages that lead to the first rows are written late. A leaf tells by itself what it is. The format:
https://www.sqlite.org/fileformat2.html
"""

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO, NamedTuple

_LEAF = 0x0D  # first byte of a table's leaf; in any other page, a sign of petabytes
_NULL = 0  # the type of a row's id, which is kept before the row
_BYTES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8, 8: 0, 9: 0}  # of an integer; 8 and 9 are 0 and 1
_BLOB = 12  # the type of an empty blob; two more for each byte


class _Row(NamedTuple):
    """A row's id, how many bytes it has, and what its leaf has from the first of them on."""

    id: int
    size: int
    begin: bytes


def messages_left(file: Path, after: int) -> Iterator[tuple[int, int, bytes]]:
    """Topic's id, stamp and data of the ``messages`` whose ids are above ``after``, by their ids.

    Rows that are not whole are left out.
    """
    with file.open("rb") as stream:
        pages = _Pages(stream)
        every = range(2, pages.count + 1)
        firsts = ((row.id, -page) for page in every for row in islice(pages.rows(page), 1))
        # What two leaves hold, the later one has as it was in the end.
        for _, page in sorted(firsts):
            for row in pages.rows(-page):
                if row.id <= after:
                    continue
                try:
                    values = _values(pages.payload(row))
                except (IndexError, ValueError):
                    continue
                yield values
                after = row.id


class _Pages:
    def __init__(self, stream: BinaryIO):
        self._stream = stream
        head = stream.read(100)
        size = int.from_bytes(head[16:18], "big")
        self._size = 65536 if size == 1 else size
        self._usable = self._size - head[20]
        self.count = os.fstat(stream.fileno()).st_size // self._size
        self._taken = bytearray(self.count + 1)  # by rows that go on there: no page is of two

    def read(self, number: int) -> bytes:
        """A page, counted from 1. Raises ValueError where it is not there."""
        if not 1 <= number <= self.count:
            raise ValueError(f"no page {number}")
        self._stream.seek((number - 1) * self._size)
        return self._stream.read(self._size)

    def rows(self, number: int) -> Iterator[_Row]:
        """The rows of a page that look like messages; none where it is no leaf."""
        page = self.read(number)
        count = int.from_bytes(page[3:5], "big") if page[0] == _LEAF else 0
        for place in range(8, min(8 + 2 * count, self._size), 2):
            try:
                size, at = _number(page, int.from_bytes(page[place : place + 2], "big"))
                row, at = _number(page, at)
                _types(page[at:], size)
            except (IndexError, ValueError):
                continue
            yield _Row(row, size, page[at:])

    def payload(self, row: _Row) -> bytes:
        """A row's bytes, of all its pages. Raises ValueError where one is missing."""
        room, most = self._usable - 4, self._usable - 35
        local = row.size
        if local > most:
            least = (self._usable - 12) * 32 // 255 - 23
            local = least + (local - least) % room
            local = local if local <= most else least
        parts, left = [row.begin[:local]], row.size - local
        following = row.begin[local : local + 4]
        while left > 0:
            number = int.from_bytes(following, "big")
            page = self.read(number)
            if self._taken[number]:
                raise ValueError(f"page {number} is another row's")
            self._taken[number] = True
            parts.append(page[4 : 4 + min(left, room)])
            following, left = page[:4], left - room
        return b"".join(parts)


def _values(row: bytes) -> tuple[int, int, bytes]:
    """Topic's id, stamp and data of a message. Raises ValueError for a row that is not whole."""
    (topic, stamp, _), at = _types(row, len(row))
    numbers = []
    for kind in (topic, stamp):
        value = int.from_bytes(row[at : at + _BYTES[kind]], "big", signed=True)
        numbers.append(kind - 8 if kind >= 8 else value)
        at += _BYTES[kind]
    return numbers[0], numbers[1], row[at:]


def _types(row: bytes, size: int) -> tuple[list[int], int]:
    """The types of topic_id, timestamp and data, and where these begin in a row of ``size`` bytes.

    Raises ValueError or IndexError for a row that is no message.
    """
    end, at = _number(row, 0)
    types: list[int] = []
    while at < end and len(types) < 4:
        kind, at = _number(row, at)
        types.append(kind)
    if at != end or len(types) != 4 or types[0] != _NULL or not {*types[1:3]} <= _BYTES.keys():
        raise ValueError("no message")
    left = size - end - _BYTES[types[1]] - _BYTES[types[2]]
    if types[3] != _BLOB + 2 * left:
        raise ValueError("no blob of the bytes that are left")
    return types[1:], end


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A number of SQLite's and where it ends. Raises IndexError at the end of the bytes."""
    value = 0
    for place in range(at, at + 8):
        value = value << 7 | data[place] & 0x7F
        if data[place] < 0x80:
            return value, place + 1
    return value << 8 | data[at + 8], at + 9
