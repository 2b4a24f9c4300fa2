"""How a command ends: with a status, and with one sentence where something went wrong."""

import argparse
import errno
import logging
import os
import shlex
import signal
import sys
from collections.abc import Callable

from ..core.errors import TrackerError, missing

STDOUT = (None, "standard output", "/dev/stdout")  # its names in errors
PROGRAM, PACKAGE = "tracker-ros", "tracker_ros"
# There is no room to write, or nothing to write to. Files that are written say their names.
UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EBADF)


class Parser(argparse.ArgumentParser):
    """Help and version that cannot be written are an error; argparse would pass over that."""

    def _print_message(self, message, file=None):
        if file is not sys.stdout:
            super()._print_message(message, file)
            return
        print(message, end="", flush=True)


def execute(build: Callable[[list[str]], argparse.ArgumentParser], arguments: list[str]) -> int:
    """Run what ``build(arguments)`` parses; returns the exit status as ``main`` does."""
    # What OpenCV and FFmpeg say about a bad file, our own error says in one sentence.
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    os.environ["MPLBACKEND"] = "agg"  # figures go to files, whatever there is for windows
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # of a cache that it cannot keep
    logging.basicConfig(format=f"{PROGRAM}: warning: %(message)s", level=logging.WARNING)
    ends: list[int] = []

    def end(number: int, frame) -> None:
        """End as by an exception, so that files are closed; once, for closing must not be ended."""
        for each in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(each, signal.SIG_IGN)
        ends.append(128 + number)
        sys.exit(ends[0])

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as ``nohup`` wants it
            signal.signal(number, end)
    _open_standard_streams()
    for stream in (sys.stdout, sys.stderr):  # names of files need not be text in any encoding
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    before, interrupts = signal.getsignal(signal.SIGINT), []

    def interrupt(number: int, frame) -> None:
        interrupts.append(number)
        raise KeyboardInterrupt

    if before is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, interrupt)
    try:
        parser = build(arguments)
        args = parser.parse_args(arguments)
        args.command_line = shlex.join((parser.prog, *arguments))
        status = args.run(args) or 0
        sys.stdout.flush()
        return status
    except (Exception, KeyboardInterrupt) as error:
        # An import that was interrupted may end in any error.
        if ends:
            return ends[0]
        if interrupts or isinstance(error, KeyboardInterrupt):
            print(f"\n{PROGRAM}: interrupted", file=sys.stderr)
            # Otherwise CPython ends by the signal if it came during the exec of a string, as there
            # are in dataclasses and rosbags.
            exec("")
            return 128 + signal.SIGINT
        return _explain(error)
    finally:
        signal.signal(signal.SIGINT, before)
        _drop_unwritten()


def _open_standard_streams() -> None:
    """Put the null device where one was closed (``>&-``): the next file would take its number.

    What libraries print would then go into that file.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
        if getattr(sys, name) is None:
            stream = open(number, "w" if number else "r", closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)


def _drop_unwritten() -> None:
    """Forget what stdout cannot take: Python would try again at its end, and tell it its way."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _explain(error: Exception) -> int:
    """Say what went wrong, and return the exit status. Raises what is a mistake of ours."""
    if isinstance(error, BrokenPipeError) and error.filename in STDOUT:
        return 0  # `tracker-ros info | head`
    if isinstance(error, ModuleNotFoundError) and not (error.name or PACKAGE).startswith(PACKAGE):
        return _fail(missing(error, "this command"))
    if isinstance(error, OSError):
        name = error.filename
        if not name and error.errno in UNWRITABLE:
            name = STDOUT[1]
        if not name and error.errno == errno.ENOENT:  # from ``os.getcwd``: it was deleted
            name = "the current folder"
        return _fail(f"{name}: {error.strerror}" if name else error)
    if isinstance(error, TrackerError):
        return _fail(error)
    raise error


def _fail(message) -> int:
    print(f"{PROGRAM}: error: {' '.join(str(message).split())}", file=sys.stderr)
    return 1
