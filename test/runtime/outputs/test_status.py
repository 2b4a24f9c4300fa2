"""What a status says is read back, and nothing else is taken for one."""

from types import SimpleNamespace

import pytest

from tracker_ros.runtime.outputs.status import told


def array(*checks: dict):
    """A DiagnosticArray with these values."""
    return SimpleNamespace(
        status=[
            SimpleNamespace(values=[SimpleNamespace(key=k, value=v) for k, v in one.items()])
            for one in checks
        ]
    )


ANNA = {"target_id": "anna", "state": "LOST"}


@pytest.mark.parametrize("checks, targets", [
    ([{"state": "LOST"}, ANNA], [ANNA]), ([{"state": "ERROR"}, ANNA], [ANNA]),
    ([{"state": "NO_TARGET"}], []),
])  # fmt: skip
def test_the_frame_and_its_targets(checks, targets):
    assert told(array(*checks)) == (checks[0], targets)


@pytest.mark.parametrize("checks", [
    [{"state": "DROPPED"}], [{"state": "ERROR"}], [], [{}], [{}, ANNA], [{"state": "active"}, ANNA],
])  # fmt: skip
def test_frames_that_say_nothing_of_targets_and_what_is_no_status(checks):
    assert told(array(*checks)) is None
