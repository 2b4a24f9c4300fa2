"""The rows of an sqlite3 file whose tree of pages is broken: from its leaves, which hold them.

SQLite finds no row whose way there leads over a page that is missing, and in a long recording the
pages that lead to the first rows are written late. A leaf tells by itself what it is. The format:
https://www.sqlite.org/fileformat2.html
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

_LEAF = 0x0D  # first byte of a table's leaf; in any other page, a sign of petabytes
_BYTES = (0, 1, 2, 3, 4, 6, 8, 8, 0, 0)  # of a value, by its type; 8 and 9 are the numbers 0 and 1
_BLOB = 12  # the type of an empty blob; two more for each byte


class _Cell(NamedTuple):
    """A row: the bytes that are in its leaf, how many there are in all, the page of the rest."""

    local: bytes
    size: int
    more: int


def messages_left(file: Path, after: int) -> Iterator[tuple[int, int, bytes]]:
    """Topic's id, stamp and data of the ``messages`` whose ids are above ``after``, by their ids.

    Rows that are not whole are left out.
    """
    with file.open("rb") as stream:
        pages = _Pages(stream)
        places = {
            row: (page, at)
            for page in range(2, pages.count + 1)
            for at, row in pages.rows(page)
            if row > after
        }
        for _, place in sorted(places.items()):
            try:
                values = _values(pages.payload(*place))
            except (IndexError, ValueError):
                continue
            if values:
                yield values


class _Pages:
    def __init__(self, stream: BinaryIO):
        self._stream = stream
        head = stream.read(100)
        size = int.from_bytes(head[16:18], "big")
        self._size = 65536 if size == 1 else size
        self._usable = self._size - head[20]
        self.count = os.fstat(stream.fileno()).st_size // self._size

    def read(self, number: int) -> bytes:
        """A page, counted from 1. Raises ValueError where it is not there."""
        if not 1 <= number <= self.count:
            raise ValueError(f"no page {number}")
        self._stream.seek((number - 1) * self._size)
        return self._stream.read(self._size)

    def rows(self, number: int) -> list[tuple[int, int]]:
        """Where in a page each row begins, and its id; none where it is no leaf."""
        page = self.read(number)
        if page[0] != _LEAF:
            return []
        found = []
        for place in range(8, 8 + 2 * int.from_bytes(page[3:5], "big"), 2):
            at = int.from_bytes(page[place : place + 2], "big")
            try:
                found.append((at, _number(page, _number(page, at)[1])[0]))
            except IndexError:
                continue
        return found

    def payload(self, number: int, at: int) -> bytes:
        """A row's bytes, of all its pages. Raises IndexError or ValueError where one is missing."""
        page = self.read(number)
        size, at = _number(page, at)
        if size > self.count * self._size:
            raise ValueError(f"a row of {size} bytes")
        _, at = _number(page, at)
        room, most = self._usable - 4, self._usable - 35
        local = size
        if size > most:
            least = (self._usable - 12) * 32 // 255 - 23
            local = least + (size - least) % room
            local = local if local <= most else least
        parts, left = [page[at : at + local]], size - local
        following = page[at + local : at + local + 4]
        while left > 0:
            page = self.read(int.from_bytes(following, "big"))
            parts.append(page[4 : 4 + min(left, room)])
            following, left = page[:4], left - room
        return b"".join(parts)


def _values(row: bytes) -> tuple[int, int, bytes] | None:
    """Topic's id, stamp and data of a row of id, topic_id, timestamp, data; None for other rows."""
    end, at = _number(row, 0)
    types = []
    while at < end:
        kind, at = _number(row, at)
        types.append(kind)
    if len(types) != 4 or max(types[:3]) >= len(_BYTES) or types[3] < _BLOB or types[3] % 2:
        return None
    numbers = []
    for kind in types[:3]:
        value = int.from_bytes(row[at : at + _BYTES[kind]], "big", signed=True)
        numbers.append(kind - 8 if kind >= 8 else value)
        at += _BYTES[kind]
    data = row[at:]
    return (numbers[1], numbers[2], data) if len(data) == (types[3] - _BLOB) // 2 else None


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A number of SQLite's and where it ends. Raises IndexError at the end of the bytes."""
    value = 0
    for place in range(at, at + 8):
        value = value << 7 | data[place] & 0x7F
        if data[place] < 0x80:
            return value, place + 1
    return value << 8 | data[at + 8], at + 9
