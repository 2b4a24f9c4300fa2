"""A tracker on a red square."""

import pytest

from tracker_ros.core.tracker import Tracker

from .red import BOX, RedEngine, frame


@pytest.fixture
def tracker():
    tracker = Tracker(RedEngine())
    tracker.init(frame(), BOX)
    return tracker
