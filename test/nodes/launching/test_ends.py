"""Which handler makes a launch fail: one for each end of a process."""

from types import SimpleNamespace

import pytest

from tracker_ros.core.errors import TrackerError
from tracker_ros.nodes.launching import ends


def failures(status: int, over: bool = False) -> list[str]:
    """What replay.launch.py's two handlers of the tracker's end say."""
    event = SimpleNamespace(process_name="tracker_node-1", returncode=status)
    context, said = SimpleNamespace(is_shutdown=over), []
    for handler in (
        lambda: ends._ended("tracker_node", (), event, context),  # of required, for it alone
        lambda: ends._ended_early("tracker_node", event, context),
    ):
        try:
            assert handler() == []
        except TrackerError as error:
            said.append(str(error))
    return said


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (1, "tracker_node ended with status 1; see above"),
        (-9, "tracker_node was ended by signal 9; see above"),
        (0, "tracker_node ended, but is needed until the launch ends"),
    ],
)
def test_each_end_of_a_process_that_is_needed_fails_once(status, said):
    assert failures(status) == [said]
    assert failures(status, over=True) == []
    other = SimpleNamespace(process_name="rviz2-2", returncode=status)
    assert ends._ended_early("tracker_node", other, SimpleNamespace(is_shutdown=False)) == []
