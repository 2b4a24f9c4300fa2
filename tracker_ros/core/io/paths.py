"""Paths: of links, of what is no file, and of the package's own files and its cache."""

import os
from pathlib import Path

from ..errors import TrackerError


def real(path: str | Path) -> Path:
    """The absolute path without symbolic links; of links in a circle what can be followed of them.

    ``Path.resolve`` raises RuntimeError for these before Python 3.13.
    """
    return Path(os.path.realpath(path))


def no_file(path: Path) -> str | None:
    """Why ``path`` is no file, for the end of a sentence; None for a file."""
    if path.is_file():
        return None
    return "is not a file" if path.exists() else "does not exist"


def share_dir() -> Path:
    """The folder that holds ``models/``, ``launch/`` and ``config/``.

    The checkout itself when the code runs from one (editable and symlinked installs too), else
    ``share/tracker_ros`` of the prefix that pip or colcon installed the package into.
    Raises TrackerError when neither is there.
    """
    package = Path(__file__).resolve().parents[2]
    if (package.parent / "package.xml").is_file():
        return package.parent
    for prefix in package.parents:
        share = prefix / "share" / "tracker_ros"
        if share.is_dir():
            return share
    raise TrackerError(f"no share/tracker_ros belongs to {package}; install the package again")


def cache_dir() -> Path:
    """The user's cache folder, for files that can be made again; it need not exist."""
    if folder := os.environ.get("XDG_CACHE_HOME"):
        return Path(folder) / "tracker_ros"
    home = os.path.expanduser("~")
    if not os.path.isabs(home):  # neither HOME nor an entry in the passwd
        raise TrackerError("there is no home folder for what is kept; set XDG_CACHE_HOME or HOME")
    return Path(home) / ".cache" / "tracker_ros"
