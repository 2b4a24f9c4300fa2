"""Names of files for libraries that take them as text."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory


@contextmanager
def utf8_name(path: Path) -> Iterator[str]:
    """A name of ``path`` that is UTF-8: its own, or a link's that is there until the end.

    OpenCV ends the process on any other, and file systems hold any bytes. What has been opened by
    the link stays open.
    """
    name = str(path)
    if _is_utf8(name):
        yield name
        return
    with TemporaryDirectory(prefix="tracker_ros-") as folder:
        link = Path(folder) / f"link{path.suffix if _is_utf8(path.suffix) else ''}"
        link.symlink_to(os.path.abspath(path))
        yield str(link)


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
