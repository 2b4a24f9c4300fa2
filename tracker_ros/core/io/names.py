"""Names of files: what can be one, and those for libraries that accept only UTF-8."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ..errors import InputError
from .files import UNTOLD


def check_file_name(name: str) -> str:
    """``name`` if a file of it would be in its folder, and shown. Raises InputError otherwise."""
    try:
        plain = name and not name.startswith(".") and not {"/", "\0"} & {*name}
        os.fsencode(name)
    except UnicodeEncodeError:  # half of a character, as JSON may have it
        plain = False
    if not plain:
        raise InputError(f"{name!r} cannot be the name of a file")
    return name


@contextmanager
def utf8_name(path: Path) -> Iterator[str]:
    """A UTF-8 name of ``path``: its own, or that of a link that exists until the block ends.

    File systems allow any bytes in a name, but OpenCV ends the process on a name that is not UTF-8.
    A file that was opened through the link stays open.
    """
    name = str(path)
    if is_utf8(name):
        yield name
        return
    with TemporaryDirectory(prefix="tracker_ros-") as folder:
        link = Path(folder) / f"link{path.suffix if is_utf8(path.suffix) else ''}"
        link.symlink_to(os.path.abspath(path))
        yield str(link)


def is_utf8(name: str) -> bool:
    """Whether it can be written so: bytes of names that are not are surrogates in Python."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def printable(name: str) -> str:
    """A name as text: bytes that are not UTF-8 by their numbers."""
    return name.encode("utf-8", UNTOLD).decode()
