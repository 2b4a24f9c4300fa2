"""Errors a user can act on: each message is one sentence that names what is wrong and where."""

from textwrap import shorten


class TrackerError(Exception):
    """Base of every error this package raises on purpose."""


class InputError(TrackerError):
    """An image, box or message that cannot be used."""


class BlankError(InputError):
    """A box and what is around it have one colour."""


class ModelError(TrackerError):
    """Weights or a model file that cannot be used, or a device that is not there."""


class SourceError(TrackerError):
    """A video, folder, bag, camera or data set that cannot be read."""


class ParameterError(TrackerError):
    """A parameter or option outside its range, or unknown."""


def brief(error: BaseException) -> str:
    """What another library's error says, cut to one line."""
    said = f"no {error}" if isinstance(error, KeyError) else str(error)
    return shorten(said, 200, placeholder=" ...") or type(error).__name__
