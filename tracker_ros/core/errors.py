"""Errors a user can act on: each message is one sentence that names what is wrong and where."""

import re
from collections.abc import Sequence
from importlib.util import find_spec
from textwrap import shorten

# Python packages that pip knows by another name.
DISTRIBUTIONS = {
    "cv2": "opencv-contrib-python-headless",
    "ruamel": "ruamel.yaml",
    "skimage": "scikit-image",
    "trax": "vot-trax",
}
# Not on PyPI, or there somebody else's.
ROS = re.compile(r"rcl|ament_|launch|cv_bridge|.+_(msgs|srvs|interfaces)")


class TrackerError(Exception):
    """Base of every error this package raises on purpose."""


class InputError(TrackerError):
    """An image, box or message that cannot be used."""


class ModelError(TrackerError):
    """Weights or a model file that cannot be used, or a device that is not there."""


class SourceError(TrackerError):
    """A video, folder, bag, camera or data set that cannot be read."""


class ParameterError(TrackerError):
    """A parameter or option outside its range, or unknown."""


def brief(error: BaseException) -> str:
    """What another library's error says, for a part of a sentence: one line, without full stop.

    Of a file, without number and name.
    """
    said = f"no {error}" if isinstance(error, KeyError) else str(error)
    if isinstance(error, OSError) and error.strerror:
        said = error.strerror
    return shorten(said.strip().rstrip("."), 200, placeholder=" ...") or type(error).__name__


def some(names: Sequence[str], most: int = 4) -> str:
    """The first names, and how many there are more."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def require(*packages: str) -> None:
    """Ask for Python packages before a long run, not where it comes to need them.

    Raises ModuleNotFoundError for the first that is not here.
    """
    for name in packages:
        if find_spec(name) is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def missing(error: ModuleNotFoundError, who: str) -> str:
    """The sentence that ``who`` needs a package which is not here, and what brings it."""
    package = (error.name or "").partition(".")[0]
    remedy = (
        "source a ROS 2 installation, or see the README's two commands"
        if ROS.match(package)
        else f"pip install {DISTRIBUTIONS.get(package, package)}"
    )
    return f"{who} needs the Python package {package!r}, which is not here: {remedy}"
