"""Order of the files of a folder, and which of them count."""

import re
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

# A number with decimals, as times have; not three or more numbers in a row, as dates have.
_DECIMAL = re.compile(r"(?<![\d.])\d+\.(\d+)(?!\d|\.\d)")
_NUMBER = re.compile(r"-?\d+(\.\d+)?(e[-+]?\d{1,3})?", re.ASCII)


def visible(paths: Iterable[Path]) -> list[Path]:
    """The paths whose names do not begin with a dot, as those that macOS leaves everywhere."""
    return [path for path in paths if not path.name.startswith(".")]


def in_order(paths: Iterable[Path]) -> list[Path]:
    """Sort ``visible`` files as they were taken: 2 before 10, .05 before .5 where names are times.

    Names alone do not say whether ``1.10`` is before or after ``1.9``. Only times whose last zeros
    were left out have decimals of different lengths; counters then have some that end in 0.
    """
    named = {path: _stem(path) for path in visible(paths)}
    decimals = [found[1] for stem in named.values() for found in _DECIMAL.finditer(stem)]
    counters = len({*map(len, decimals)}) > 1 and any(re.fullmatch(r".+0", d) for d in decimals)
    if not counters and all(map(_NUMBER.fullmatch, named.values())):
        return sorted(named, key=lambda path: (Decimal(named[path]), path.name))
    decimal = "" if counters else r"(?<![0-9.])[0-9]+\.[0-9]+(?![0-9]|\.[0-9])|"
    numbers = f"({decimal}[0-9]+)"
    return sorted(named, key=lambda path: (_key(named[path], numbers), path.name))


def _stem(path: Path) -> str:
    """The name without what says its kind; folders' names may end in a number behind a dot."""
    return path.name if path.suffix[1:2].isdigit() else path.stem


def _key(name: str, numbers: str) -> list:
    parts = re.split(numbers, name)
    return [Decimal(part) if i % 2 else part for i, part in enumerate(parts)]
