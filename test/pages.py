"""Asks the page on which a target is chosen, as a browser does."""

import http.client
import json
from urllib.parse import quote, unquote, urlsplit


class Page:
    """The page at an address."""

    def __init__(self, address: str):
        self._place = urlsplit(address).netloc

    def ask(self, method: str, path: str, body=None, kind: str = "application/json"):
        """Status, headers and content of the answer."""
        connection = http.client.HTTPConnection(self._place, timeout=60)
        headers = {"Content-Type": kind} if body is not None else {}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, answer.headers, content

    def look(self, known: str = "") -> tuple[dict, bytes]:
        """What is to be drawn, and the picture unless it is the one that is known."""
        status, headers, picture = self.ask("GET", f"/picture?after={quote(known)}")
        assert status == 200
        return json.loads(unquote(headers["View"])), picture

    def send(self, path: str, content, kind: str = "application/json") -> tuple[int, str]:
        """Status and sentence of the answer."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        status, _, answer = self.ask("POST", path, body, kind)
        return status, json.loads(answer)["said"]
