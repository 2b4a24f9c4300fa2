"""The page's server, asked over HTTP."""

import http.client
import socket
import threading
import time

import cv2
import numpy as np
import pytest

from test.pages import Page
from tracker_ros.core.errors import InputError
from tracker_ros.runtime.selection import server
from tracker_ros.runtime.selection.server import MOST, Drawn, SelectionServer, View

IMAGE = np.zeros((120, 160, 3), np.uint8)
IMAGE[40:80, 50:100] = 200


class Site:
    """A server with one view, and what it was asked for."""

    def __init__(self):
        self.view = View("7 ü", IMAGE, [Drawn("1", "LOST 0.10"), Drawn("é", "", (1.5, 2, 3, 4))])
        self.chosen = []
        self.forgotten = 0
        self.server = SelectionServer(lambda: self.view, self.choose, self.forget, port=0)
        self.page = Page(self.server.address)
        self.place = ("127.0.0.1", int(self.server.address.rpartition(":")[2]))

    def known(self) -> list:
        """The addresses of the browsers that are let in."""
        with self.server._server._lock:
            return [one.getpeername() for one in self.server._server._browsers]

    def choose(self, key, box, beside):
        if key == "old":
            raise InputError("this picture is too old")
        self.chosen.append((key, box, beside))
        return "started"

    def forget(self):
        self.forgotten += 1
        return "dropped"


@pytest.fixture
def site():
    made = Site()
    yield made
    made.server.close()


def test_the_page_is_served_whole(site):
    status, headers, content = site.page.ask("GET", "/")
    assert status == 200 and headers["Content-Type"] == "text/html; charset=utf-8"
    text = content.decode()
    assert text.rstrip().endswith("</html>")
    # Nothing comes from elsewhere: a robot's network often has no way out.
    assert "http://" not in text and "https://" not in text


def test_a_picture_comes_with_what_is_drawn_on_it(site):
    told, picture = site.page.look()
    assert told == {
        "key": "7 ü",
        "message": "",
        "targets": [
            {"name": "1", "words": "LOST 0.10", "box": None},
            {"name": "é", "words": "", "box": [1.5, 2, 3, 4]},
        ],
        "several": True,
        "size": [160, 120],
    }
    image = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
    assert np.abs(image.astype(int) - IMAGE).mean() < 2


def test_a_picture_that_is_known_is_not_sent_again(site):
    told, picture = site.page.look("7 ü")
    assert told["size"] == [160, 120] and picture == b""
    site.view = View("a/b(c)", IMAGE)
    assert site.page.ask("GET", "/picture?after=a%2Fb(c)")[2] == b""  # as browsers quote it


def test_without_an_image_the_page_says_why(site):
    site.view = View(message="/image: no image yet")
    told, picture = site.page.look()
    assert picture == b"" and "size" not in told and told["message"] == "/image: no image yet"


def test_a_large_picture_is_made_smaller_but_its_size_is_told(site):
    site.view = View("1", np.zeros((30, 4000, 3), np.uint8))
    told, picture = site.page.look()
    image = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
    assert told["size"] == [4000, 30] and image.shape[1] == 1280


def test_a_drawn_box_arrives(site):
    asked = {"key": "7 ü", "box": [10, 20.5, 30, 40]}
    assert site.page.send("/target", asked) == (200, "started")
    assert site.page.send("/target", asked | {"beside": True}) == (200, "started")
    assert site.chosen == [("7 ü", (10.0, 20.5, 30.0, 40.0), beside) for beside in (False, True)]
    assert site.page.send("/reset", {}) == (200, "dropped") and site.forgotten == 1


@pytest.mark.parametrize(
    "path, content, status, words",
    [
        ("/target", {"key": "old", "box": [1, 2, 3, 4]}, 400, "too old"),
        ("/target", {"key": "7"}, 400, "box None is not four numbers"),
        ("/target", {"box": [1, 2, 3]}, 400, "is not four numbers"),
        ("/target", {"box": [1, 2, 3, "x"]}, 400, "is not four numbers"),
        ("/target", b'{"box": [1, 2, 3, NaN]}', 400, "not finite"),
        ("/target", b'{"box": [1, 2, 3, 1e999]}', 400, "not finite"),
        ("/target", b"[1, 2, 3, 4]", 400, "requests are JSON"),
        ("/target", b"{", 400, "requests are JSON"),
        ("/target", b"\xff\xfe", 400, "requests are JSON"),
        ("/target", b"[" * 9000, 400, "requests are JSON"),
        ("/target", b" " * 20_000, 400, "up to 10000 bytes"),
        ("/elsewhere", {}, 404, "no /elsewhere"),
    ],
)
def test_what_is_no_request_is_refused(site, path, content, status, words):
    given, said = site.page.send(path, content)
    assert given == status and words in said
    assert not site.chosen


def test_what_another_page_can_send_unasked_is_refused(site):
    """A form of a page of another origin has one of three types, none of which is JSON's."""
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        body = b'{"box": [1, 2, 3, 4]}'
        assert site.page.send("/target", body, kind) == (400, "this page's requests are JSON")
        assert site.page.send("/reset", b"{}", kind)[0] == 400
    assert not site.chosen and not site.forgotten


@pytest.mark.parametrize("name", [b"evil.example", b"[::1"])
def test_a_name_that_leads_here_from_elsewhere_is_refused(site, name):
    """A foreign page's own name may come to mean this address (DNS rebinding)."""
    connection = socket.create_connection(
        ("127.0.0.1", int(site.server.address.rpartition(":")[2]))
    )
    connection.sendall(b"GET / HTTP/1.1\r\nHost: " + name + b"\r\nConnection: close\r\n\r\n")
    answer = b"".join(iter(lambda: connection.recv(4096), b""))
    connection.close()
    assert answer.startswith(b"HTTP/1.1 403") and name in answer


@pytest.mark.parametrize(
    ("host", "asked"),
    [
        ("127.0.0.2", {"127.0.0.2": 200, "LocalHost": 200, "evil.example": 403}),
        ("LOCALHOST", {"localhost": 200, "evil.example": 403}),
        ("0.0.0.0", {"127.0.0.1": 200, "robot.example": 200}),  # as others may know this machine
    ],
)
def test_every_address_of_this_machine_alone_is_asked_for_by_its_names(host, asked):
    server = SelectionServer(lambda: View("1", IMAGE), lambda *_: "started", host=host, port=0)
    address = server._server.server_address
    for name, status in asked.items():
        browser = http.client.HTTPConnection(*address, timeout=60)
        browser.request("GET", "/", headers={"Host": f"{name}:{address[1]}"})
        assert browser.getresponse().status == status, name
        browser.close()
    server.close()


def test_a_browser_that_goes_away_harms_nobody(site, capfd):
    with socket.create_connection(
        ("127.0.0.1", int(site.server.address.rpartition(":")[2]))
    ) as one:
        one.sendall(b"POST /target HTTP/1.1\r\nContent-Length: 100\r\n\r\n{")
    assert site.page.look()[0]["key"] == "7 ü"
    assert "Traceback" not in capfd.readouterr().err


def test_connections_that_ask_for_nothing_make_room_for_others(site):
    """Each holds a descriptor, and without these the robot's node hears of no camera."""
    browser = http.client.HTTPConnection(*site.place, timeout=60)
    silent = []
    for _ in range(2 * MOST):
        silent.append(socket.create_connection(site.place, timeout=60))
        silent[-1].sendall(b"GET / HT")
        while silent[-1].getsockname() not in site.known():  # it is let in by another thread
            time.sleep(0.001)
        browser.request("GET", "/picture")
        answer = browser.getresponse()
        assert (answer.status, answer.read()[:2]) == (200, b"\xff\xd8")
        browser.auto_open = False  # it never has to connect again
        assert len(site.server._server._browsers) <= MOST
    for one in silent[: MOST + 1]:
        assert one.recv(1) == b""
    assert len(site.server._server._browsers) == MOST
    for one in (browser, *silent):
        one.close()


def test_with_one_target_there_is_nothing_to_drop():
    server = SelectionServer(lambda: View("1", IMAGE), lambda *_: "started", port=0)
    page = Page(server.address)
    assert page.look()[0]["several"] is False
    assert page.send("/reset", {})[0] == 404
    server.close()


@pytest.mark.parametrize("host", ["nowhere.invalid", "203.0.113.7", "a" * 300])
def test_a_host_that_is_not_here_is_told(host):
    with pytest.raises(InputError, match=r"cannot listen on .*, port 0: \w"):
        SelectionServer(View, str, host=host, port=0)


def test_a_port_that_is_taken_is_told(site):
    port = site.place[1]
    with pytest.raises(InputError, match=f"cannot listen on '127.0.0.1', port {port}: .* in use"):
        SelectionServer(View, str, port=port)


def test_nothing_is_left_when_it_is_closed():
    server = SelectionServer(View, str, port=0)
    server.close()
    assert "page" not in {thread.name for thread in threading.enumerate()}
    with pytest.raises(ConnectionError):
        Page(server.address).ask("GET", "/")


def test_a_browser_that_stays_is_not_served_after_the_end(site):
    connection = http.client.HTTPConnection(*site.place, timeout=60)
    connection.request("GET", "/")
    connection.getresponse().read()
    connection.auto_open = False
    site.server.close()
    with pytest.raises((ConnectionError, http.client.NotConnected)):
        connection.request("POST", "/target", b"{}", {"Content-Type": "application/json"})
        connection.getresponse()


def test_what_was_asked_before_the_end_is_answered(site, monkeypatch):
    """And the end waits for it: what the page asks for may be gone then."""
    monkeypatch.setattr(server, "PATIENCE", 60.0)

    def choose(*_):
        closing.start()
        while not site.server._server.closing:
            time.sleep(0.01)
        return "started"

    site.server.choose = choose
    closing = threading.Thread(target=site.server.close)
    assert site.page.send("/target", {"key": "7", "box": [1, 2, 3, 4]}) == (200, "started")
    closing.join()
    assert not [one for one in threading.enumerate() if "process_request" in one.name]
