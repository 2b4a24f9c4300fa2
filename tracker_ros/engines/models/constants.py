"""Constants of a graph, looked at without the package ``onnx``, which a robot does not have."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ...core.errors import ModelError

# Numbers of fields in ONNX's protocol buffers (onnx.proto).
GRAPH, INITIALISER, NODE, ATTRIBUTE = 7, 5, 1, 5
OF_ATTRIBUTE = {"tensors": (5, 10), "graphs": (6, 11)}
DATA_TYPE, NAME, RAW = 2, 8, 9
TYPED = {4: "<f4", 10: "<f8"}  # values that are not raw bytes
TYPES = {1: "<f4", 10: "<f2", 11: "<f8"}  # of raw bytes


def check_constants(path: Path) -> None:
    """Raise ModelError naming a constant of the graph ``path`` that is not finite.

    ``path``: a sound ONNX file.
    """
    for number, graph in _fields(memoryview(path.read_bytes())):
        if number == GRAPH:
            for name, values in _constants(graph):
                if not np.isfinite(values).all():
                    raise ModelError(f"model file {path}: {name} is not finite")


def _constants(graph: memoryview) -> Iterator[tuple[str, np.ndarray]]:
    """Name and values of each tensor of floats, in branches and loops, too."""
    for number, value in _fields(graph):
        if number == INITIALISER:
            yield from _tensor(value)
        elif number == NODE:
            for part, attribute in _fields(value):
                for number, value in _fields(attribute) if part == ATTRIBUTE else ():
                    if number in OF_ATTRIBUTE["tensors"]:
                        yield from _tensor(value)
                    elif number in OF_ATTRIBUTE["graphs"]:
                        yield from _constants(value)


def _tensor(tensor: memoryview) -> Iterator[tuple[str, np.ndarray]]:
    fields = dict(_fields(tensor))
    name = bytes(fields.get(NAME, b"a constant")).decode(errors="replace")
    kinds = TYPED | {RAW: TYPES.get(fields.get(DATA_TYPE, 0), "u1")}
    for number, kind in kinds.items():
        if number in fields:
            yield name, np.frombuffer(fields[number], kind)


def _fields(message: memoryview) -> Iterator[tuple[int, Any]]:
    """Number and value of each field: an int, or bytes."""
    place = 0

    def varint() -> int:
        nonlocal place
        value = shift = 0
        while True:
            byte = message[place]
            place += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7

    while place < len(message):
        number, wire = divmod(varint(), 8)
        if wire == 0:
            yield number, varint()
            continue
        size = {1: 8, 5: 4}.get(wire) or varint()
        yield number, message[place : place + size]
        place += size
