"""``tracker-ros trax``: our tracker behind the TraX protocol, as VOT's toolkit runs it.

TraX (Čehovin, "TraX: The visual Tracking eXchange Protocol and Library", Neurocomputing 2017) goes
over stdin and stdout, or over the port of this machine that TRAX_SOCKET names.
"""

import argparse
import os
import signal
import socket
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

from ...core.errors import InputError, TrackerError
from ..common.arguments import add_tracker_arguments, tracker_from

SOCKET = "TRAX_SOCKET"  # whoever sets it listens there, and then starts this command


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_tracker_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Serve one client until it quits.

    Takes images as files, in memory and as JPEG or PNG data; answers every frame with a rectangle,
    also while the target is lost, and the property ``confidence``, the score in [0, 1].
    """
    from trax import Image, Region, Server, TraxException

    _check_socket()
    tracker = tracker_from(args)
    # The library waits for the client in C, where Python's handlers would never run; and what is
    # not of the protocol may keep it there for ever.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    images = [Image.PATH, Image.MEMORY, Image.BUFFER]
    try:
        server = Server(
            [Region.RECTANGLE],
            images,
            tracker_name=Path(args.model).stem,
            tracker_family="tracker_ros",
        )
        _serve(server, tracker)
    except TraxException as error:
        raise TrackerError(f"the TraX client is gone: {error}") from None
    return 0


def _check_socket() -> None:
    """Raise InputError where the library would try to connect for ever."""
    told = os.environ.get(SOCKET)
    if told is None:
        return
    port = int(told) if told.isascii() and told.isdecimal() and len(told) < 6 else 0
    if not 0 < port < 2**16:
        raise InputError(f"{SOCKET} is {told!r}, not the number of a port, 1 to 65535")
    # To connect would be to come as the tracker, which many a client lets in but once. Where
    # somebody listens, nobody else can have the port.
    with socket.socket() as probe, suppress(OSError):
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
        raise InputError(f"nobody listens on port {port} of this machine, which {SOCKET} names")


def _serve(server, tracker) -> None:
    from trax import Rectangle, TraxStatus

    from ...core.io.levels import Levels

    levels = None
    while True:
        request = server.wait()
        if request.type == TraxStatus.QUIT:
            server.quit()
            return
        try:
            if request.type == TraxStatus.INITIALIZE:
                levels = Levels()
            image = _read(request.image["color"], levels)
            score = 1.0
            if request.type == TraxStatus.INITIALIZE:
                region, _ = request.objects[0]
                tracker.init(image, region.bounds())
            else:
                score = tracker.update(image).score
        except TrackerError as error:
            server.quit(str(error))
            raise
        server.status([(Rectangle.create(*tracker.last_box), {"confidence": score})])


def _read(image, levels):
    """Any image that ``run`` announces to uint8 [H, W, 3] BGR. Raises TrackerError."""
    import cv2

    from ...conversions.images import compressed_to_bgr
    from ...sources.folder import read_picture

    if image.type() == image.PATH:
        return read_picture(Path(image.path()), levels=levels)
    if image.type() == image.BUFFER:
        return compressed_to_bgr(SimpleNamespace(data=image.buffer(), format=""), levels)
    pixels = image.array()
    kind, channels = str(pixels.dtype), pixels.shape[2]
    if (kind, channels) not in (("uint8", 3), ("uint8", 1), ("uint16", 1)):
        raise InputError(f"image of {kind} with {channels} channels")
    if kind == "uint16":
        pixels = levels.reduce(pixels)
    return cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR if channels == 3 else cv2.COLOR_GRAY2BGR)
