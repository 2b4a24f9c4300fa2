"""A target that is chosen with the mouse, on a page that this program serves meanwhile."""

import queue
import sys

import numpy as np

from ...core.errors import InputError
from ...core.geometry.boxes import Box, check_box


def select_box(image: np.ndarray) -> Box:
    """The box that somebody draws in ``image``, uint8 HxWx3 BGR, in its pixels."""
    from ...runtime.selection.server import SelectionServer, View

    drawn: queue.Queue[Box] = queue.Queue()

    def choose(key: str, box: Box, beside: bool) -> str:
        drawn.put(check_box(box, image))
        return "Thank you; the program goes on."

    def view() -> View:
        return View("first", image)

    try:
        server = SelectionServer(view, choose)
    except InputError:  # another of these has the usual port
        server = SelectionServer(view, choose, port=0)
    try:
        print(server.invitation, file=sys.stderr)
        return drawn.get()
    finally:
        server.close()
