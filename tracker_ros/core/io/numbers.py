"""Numbers in texts and in JSON, of which Python takes more than anybody means."""

from collections.abc import Iterable
from typing import Any


def parse_number(text: str) -> float:
    """Read a number. Raises ValueError for anything else, ``1_0`` among it, which Python reads."""
    if "_" in text:
        raise ValueError(f"{text!r} is no number")
    return float(text)


def parse_whole(text: str) -> int:
    """Read a whole number. Raises ValueError as ``parse_number``."""
    if "_" in text:
        raise ValueError(f"{text!r} is no whole number")
    return int(text)


def json_numbers(values: Iterable[Any]) -> list[float]:
    """The numbers of a list out of JSON. Raises TypeError for texts, of numbers or not, and flags.

    Raises OverflowError for what no float holds.
    """
    found = list(values)
    for value in found:
        if type(value) not in (int, float):
            raise TypeError(f"{value!r} is no number")
    return list(map(float, found))
