"""The seal of a model file: a checksum in its metadata, by which damage is seen."""

import hashlib
import re
from pathlib import Path

from ...core.errors import ModelError
from ...core.io.paths import no_file

SEAL_KEY = "seal"  # metadata entry: the digest of the file with zeros in the digest's place
SEAL = re.compile(rb"tracker_ros-sha256-[0-9a-f]{64}")
NO_SEAL = "tracker_ros-sha256-" + 64 * "0"


def seal(path: Path) -> None:
    """Fill in the digest of a file that was written with ``NO_SEAL`` in its metadata."""
    data = bytearray(path.read_bytes())
    start = data.index(NO_SEAL.encode())
    data[start : start + len(NO_SEAL)] = _digest(data)
    path.write_bytes(data)


def check_seal(path: Path) -> None:
    """Raise ModelError if ``path`` is missing, or is not byte for byte what was written.

    Most of a model file is numbers. Without this check, damage there would go unnoticed, and only
    make the boxes worse.
    """
    try:
        if reason := no_file(path):  # to read a pipe would wait for ever
            raise ModelError(f"model file {path} {reason}")
        data = bytearray(path.read_bytes())
    except OSError as error:
        raise ModelError(f"model file {path} cannot be read: {error.strerror}") from error
    found = SEAL.search(data)
    if found is None:
        return  # cut short, damaged there or of another origin: ``unpack_facts`` says which
    written = found.group()
    data[slice(*found.span())] = NO_SEAL.encode()
    if _digest(data) != written:
        raise ModelError(f"model file {path} is corrupt: its content does not match its checksum")


def _digest(data: bytearray) -> bytes:
    return b"tracker_ros-sha256-" + hashlib.sha256(data).hexdigest().encode()
