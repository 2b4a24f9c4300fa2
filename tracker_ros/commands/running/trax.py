"""``tracker-ros trax``: our tracker behind the TraX protocol, as VOT's toolkit runs it.

TraX (Čehovin, "TraX: The visual Tracking eXchange Protocol and Library", Neurocomputing 2017) goes
over stdin and stdout, or over the port of this machine that TRAX_SOCKET names.
"""

import argparse
import os
import signal
import socket
import threading
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

from ...core.errors import InputError, TrackerError
from ..common.arguments import add_tracker_arguments, tracker_from

SOCKET = "TRAX_SOCKET"  # whoever sets it listens there, and then starts this command
GONE = "tracker_ros.gone"
# What the library takes for a request to quit, wherever in a message it comes. At the end of its
# input it would take the last message again and again, and its memory would grow.
LAST_WORDS = f'"x"\n@@TRAX:quit {GONE}=1\n'.encode()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_tracker_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Serve one client until it quits.

    Takes images as files, in memory and as JPEG or PNG data; answers every frame with a rectangle,
    also while the target is lost, and the property ``confidence``, the score in [0, 1].
    """
    from trax import Image, Region, Server, TraxException

    _connect()
    tracker = tracker_from(args)
    _end_with_last_words()
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
        raise TrackerError(f"the TraX client is gone or breaks the protocol: {error}") from None
    return 0


def _connect() -> None:
    """Let stdin and stdout be the socket of the client, if it wants one; the library needs none.

    Raises InputError where nobody listens; the library would try to connect for ever.
    """
    told = os.environ.pop(SOCKET, None)
    if told is None:
        return
    port = int(told) if told.isascii() and told.isdecimal() and len(told) < 6 else 0
    if not 0 < port < 2**16:
        raise InputError(f"{SOCKET} is {told!r}, not the number of a port, 1 to 65535")
    try:
        client = socket.create_connection(("127.0.0.1", port))
    except ConnectionRefusedError:
        raise InputError(
            f"nobody listens on port {port} of this machine, which {SOCKET} names"
        ) from None
    with client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for number in (0, 1):
            os.dup2(client.fileno(), number)


def _end_with_last_words() -> None:
    """Hand stdin on to the library through a pipe, and behind its end ``LAST_WORDS``."""
    given = os.dup(0)
    taken, handed = os.pipe()
    os.dup2(taken, 0)
    os.close(taken)

    def hand_on() -> None:
        with suppress(OSError), open(given, "rb", 0) as client, open(handed, "wb") as library:
            with suppress(ConnectionResetError):
                while said := client.read(2**16):
                    library.write(said)
                    library.flush()
            library.write(LAST_WORDS)

    threading.Thread(target=hand_on, daemon=True).start()


def _serve(server, tracker) -> None:
    from trax import Rectangle, TraxStatus

    from ...core.io.levels import Levels

    levels = None
    while True:
        request = server.wait()
        if request.type == TraxStatus.QUIT:
            server.quit()
            if GONE in request.properties.dict():
                raise TrackerError("the TraX client is gone: its last message is no quit")
            return
        try:
            if request.type == TraxStatus.INITIALIZE:
                levels, (region, _) = Levels(), request.objects[0]
                if not isinstance(region, Rectangle):  # which alone was announced
                    raise InputError(
                        f"the target's region is a {type(region).__name__}, not a Rectangle"
                    )
            image = _read(request.image["color"], levels)
            score = 1.0
            if request.type == TraxStatus.INITIALIZE:
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
