"""A small web server whose page shows a picture, and takes a box that is drawn in it.

So a target can be chosen from any machine with a browser; the robot's needs no screen. It needs no
ROS and nothing but Python's own library.
"""

import json
import logging
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from socketserver import TCPServer
from urllib.parse import quote, unquote, urlsplit

import cv2
import numpy as np

from ...core.errors import InputError, TrackerError
from ...core.geometry.boxes import Box, numbers

logger = logging.getLogger(__name__)

WIDEST = 1280  # pixels of the picture that is sent; boxes are in those of the image itself
QUALITY = 80  # of its JPEG
LONGEST = 10_000  # bytes of a request
MOST = 64  # connections at once; a browser makes up to six
PATIENCE = 1.0  # seconds at the end for browsers that take no answer
EVERYWHERE = ("", "0.0.0.0")
LOCAL = ("127.0.0.1", "localhost")
FOREIGN = "this page's requests are JSON"  # which no page of another origin can send unasked


@dataclass(frozen=True)
class Drawn:
    """A target as the page draws it: its name, what is said beside it, and its box or None."""

    name: str
    words: str = ""
    box: Box | None = None


@dataclass(frozen=True)
class View:
    """What the page shows.

    key: names the image when a box that was drawn in it comes back. image: uint8 HxWx3 BGR; None
    where there is none yet. message: one sentence below it.
    """

    key: str = ""
    image: np.ndarray | None = None
    targets: Sequence[Drawn] = ()
    message: str = ""


class SelectionServer:
    """Serves the page in threads of its own, from its creation to ``close``.

    Args:
        view: what is to be shown now; called in those threads, as are the others.
        choose: takes the key of an image, a box in its pixels and whether the target comes beside
            others; returns what it did in a sentence, or raises TrackerError.
        forget: drops all targets; as ``choose``. None: there is one target, and it is chosen once.
        host: the address to listen on; 127.0.0.1 is this machine alone.
        port: 0 is any that is free.
    Raises:
        InputError: host or port cannot be used.
    """

    def __init__(
        self,
        view: Callable[[], View],
        choose: Callable[[str, Box, bool], str],
        forget: Callable[[], str] | None = None,
        host: str = "127.0.0.1",
        port: int = 8080,
    ):
        self.view, self.choose, self.forget, self._host = view, choose, forget, host
        handler = type("Handler", (_Handler,), {"site": self})
        try:
            self._server = _Server((host, port), handler)
        except (OSError, OverflowError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise InputError(f"cannot listen on {host!r}, port {port}: {reason}") from None
        self._thread = threading.Thread(target=self._server.serve_forever, name="page", daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """What to open in a browser."""
        host = socket.gethostname() if self._host in EVERYWHERE else self._host
        return f"http://{host}:{self._server.server_address[1]}"

    @property
    def invitation(self) -> str:
        """What to tell whoever is to choose."""
        return f"open {self.address} and drag a box around the target"

    @property
    def names(self) -> tuple[str, ...]:
        """What only this machine may call the page; none where others, too, can ask for it.

        They may know this machine by names that it has never heard of.
        """
        if not self._server.socket.getsockname()[0].startswith("127."):
            return ()
        return (*LOCAL, self._host.lower())

    def close(self) -> None:
        """End; afterwards nothing that was given here is called any more."""
        self._server.shutdown()
        self._thread.join()
        self._server.hang_up(socket.SHUT_RD)  # what was asked before is answered
        stuck = threading.Timer(PATIENCE, self._server.hang_up, (socket.SHUT_RDWR,))
        stuck.start()
        self._server.server_close()  # waits for the threads
        stuck.cancel()


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = MOST  # what comes at once beyond that waits for a second
    closing = False

    def __init__(self, *arguments):
        self._browsers: dict[socket.socket, None] = {}  # who asked longest ago comes first
        self._lock = threading.Lock()
        super().__init__(*arguments)

    def process_request(self, request, client_address) -> None:
        """Also end the connection that asked longest ago, where there are too many.

        Each holds a descriptor and a thread, and a client that says little by little what it wants
        holds them for as long as it likes.
        """
        with self._lock:
            if len(self._browsers) >= MOST:
                oldest = next(iter(self._browsers))
                del self._browsers[oldest]
                _shut(oldest, socket.SHUT_RDWR)
            self._browsers[request] = None
        super().process_request(request, client_address)

    def note_request(self, request) -> None:
        """A browser has asked for something: it is not the one that asked longest ago any more."""
        with self._lock:
            if request in self._browsers:
                del self._browsers[request]
                self._browsers[request] = None

    def shutdown_request(self, request) -> None:
        with self._lock:
            self._browsers.pop(request, None)
        super().shutdown_request(request)

    def hang_up(self, how: int) -> None:
        self.closing = True
        with self._lock:
            for one in self._browsers:
                _shut(one, how)

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # HTTPServer's asks for names, for which a robot may wait long

    def handle_error(self, request, client_address) -> None:
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):  # which is a browser that went away
            logger.warning("the page got no answer: %s: %s", type(error).__name__, error)


class _Handler(BaseHTTPRequestHandler):
    site: SelectionServer
    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = 30  # seconds, for a browser that says nothing
    server_version, sys_version = "tracker_ros", ""

    def parse_request(self) -> bool:
        """Also refuse a private page under another name: a foreign page's may come to lead here."""
        if not super().parse_request():
            return False
        self.server.note_request(self.connection)
        host = self.headers.get("Host", "")
        try:
            name = urlsplit(f"//{host}").hostname
        except ValueError:  # it cannot be a name at all
            name = host
        if name in (self.site.names or [name]):
            return True
        self._say(
            HTTPStatus.FORBIDDEN, f"this page is not known as {name}, only as {self.site.address}"
        )
        return False

    def do_GET(self) -> None:
        path, _, known = self.path.partition("?after=")
        if path == "/":
            page = files(__package__).joinpath("page.html").read_bytes()
            self._answer(HTTPStatus.OK, page, "text/html; charset=utf-8")
        elif path == "/picture":
            self._show(known)
        else:
            self._say(HTTPStatus.NOT_FOUND, f"there is no {path} here")

    def do_POST(self) -> None:
        try:
            asked = self._content()
            if self.path == "/target":
                box = numbers(asked.get("box"))
                said = self.site.choose(str(asked.get("key")), box, asked.get("beside") is True)
            elif self.path == "/reset" and self.site.forget:
                said = self.site.forget()
            else:
                return self._say(HTTPStatus.NOT_FOUND, f"there is no {self.path} here")
        except TrackerError as error:
            return self._say(HTTPStatus.BAD_REQUEST, str(error))
        self._say(HTTPStatus.OK, said)

    def _content(self) -> dict:
        told = self.headers.get("Content-Length", "")
        length = int(told) if told.isdecimal() and len(told) < 7 else 0
        body = self.rfile.read(length)  # else what is not read would break the answer
        if not 0 < length <= LONGEST:
            self.close_connection = True
            raise InputError(f"a request has up to {LONGEST} bytes, and says how many")
        if self.headers.get_content_type() != "application/json":
            raise InputError(FOREIGN)
        try:
            content = json.loads(body)
        except (ValueError, RecursionError):
            content = None
        if not isinstance(content, dict):
            raise InputError(FOREIGN)
        return content

    def _show(self, known: str) -> None:
        view = self.site.view()
        told = {
            "key": view.key,
            "message": view.message,
            "targets": [
                {"name": one.name, "words": one.words, "box": one.box} for one in view.targets
            ],
            "several": self.site.forget is not None,
        }
        body = b""
        if view.image is not None:
            told["size"] = view.image.shape[1::-1]
            if unquote(known) != view.key:
                body = _jpeg(view.image)
        self._answer(HTTPStatus.OK, body, "image/jpeg", {"View": quote(json.dumps(told))})

    def _say(self, status: HTTPStatus, sentence: str) -> None:
        self._answer(status, json.dumps({"said": sentence}).encode(), "application/json")

    def _answer(self, status: HTTPStatus, body: bytes, kind: str, headers=()) -> None:
        self.send_response(status)
        told = {"Content-Type": kind, "Content-Length": str(len(body)), "Cache-Control": "no-store"}
        for name, value in (told | dict(headers)).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.close_connection |= self.server.closing

    def log_message(self, format: str, *args) -> None:
        logger.debug(format, *args)


def _shut(connection: socket.socket, how: int) -> None:
    with suppress(OSError):  # the browser went away before
        connection.shutdown(how)


def _jpeg(image: np.ndarray) -> bytes:
    if image.shape[1] > WIDEST:
        height = max(round(image.shape[0] * WIDEST / image.shape[1]), 1)
        image = cv2.resize(image, (WIDEST, height), interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()
