"""How a launch ends: with status 1 when one of its processes failed."""

from collections.abc import Sequence
from functools import partial

from ...core.errors import TrackerError


def on_end(action, name: str, follows: Sequence = ()):
    """Launch's handler for the end of ``action``'s process: ``follows``, or the launch fails.

    To be registered before ``action`` is executed, so that its last lines are printed before.
    """
    from launch.actions import RegisterEventHandler
    from launch.event_handlers import OnProcessExit

    ended = partial(_ended, name, follows)
    return RegisterEventHandler(OnProcessExit(target_action=action, on_exit=ended))


def on_early_end(name: str):
    """Launch's handler for an included process that is needed, by its ``name``, but ends well.

    Where it fails, the file that includes it has its handler: ``required``.
    """
    from launch.actions import RegisterEventHandler
    from launch.event_handlers import OnProcessExit

    return RegisterEventHandler(OnProcessExit(on_exit=partial(_ended_early, name)))


def _ended(name: str, follows: Sequence, event, context) -> list:
    if context.is_shutdown:
        return []
    if event.returncode:  # an exception is how a launch ends with status 1
        raise TrackerError(f"{name} {_how(event.returncode)}; see above")
    return list(follows)


def _ended_early(name: str, event, context) -> list:
    # Launch numbers the names of its processes: tracker_node-1.
    other = event.process_name.rpartition("-")[0] != name
    if other or event.returncode or context.is_shutdown:
        return []
    raise TrackerError(f"{name} ended, but is needed until the launch ends")


def _how(status: int) -> str:
    return f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
