"""A stage with a tracker."""

import pytest

from tracker_ros import load_tracker

from .stage import Stage


@pytest.fixture(scope="module")
def tracker():
    return load_tracker("dastm_nano")


@pytest.fixture
def stage(tracker, party, request):
    made = Stage(tracker, party, **getattr(request, "param", {"max_targets": 3}))
    yield made
    made.worker._forget()
