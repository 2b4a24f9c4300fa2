"""Runs one node as a process: clear start-up errors, a clean end on SIGINT and SIGTERM."""

import signal
import sys

from ...core.errors import ParameterError, TrackerError
from . import arguments, dds, logs, middleware, names, signals


def run(create, args: list[str] | None = None) -> None:
    """Spin the node that ``create()`` makes until a signal; exit 1 on errors with one sentence.

    The node's ``start()`` is called before and ``release()`` after; it may end by itself with
    ``done``.
    """
    import rclpy
    from rclpy.executors import SingleThreadedExecutor
    from rclpy.signals import SignalHandlerOptions

    # rclpy's own handlers take the context away from under threads that still publish.
    came = []  # a handler must not take a lock, which Event.set() would
    signals.handle(lambda number, _: came.append(number))
    try:
        dds.use_profile()
        if folder := logs.use_log_folder():
            print(f"the home folder cannot be written; logs are in {folder}", file=sys.stderr)
        init(args, SignalHandlerOptions.NO)
        _refuse_others(sys.argv[1:] if args is None else args)
        node = _make(create)
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        try:
            node.start()
            while not (came or node.done):
                executor.spin_once(timeout_sec=0.2)
        finally:
            executor.shutdown()
            node.release()
            node.destroy_node()
    except TrackerError as error:
        sys.exit(f"tracker-ros: error: {error}")
    finally:
        rclpy.try_shutdown()
        # Python forgets its handlers while it ends: a second one would be what it ended by.
        signals.handle(signal.SIG_IGN)


def _refuse_others(words: list[str]) -> None:
    """Raise ParameterError for a word that is not ROS 2's: rcl would pass it over.

    As it does with the ``-p`` of ``-p model:=dastm_nano`` without ``--ros-args``. What is like
    ``image:=/camera`` it takes for a remapping, of an old form that it warns of.
    """
    from rclpy.utilities import remove_ros_args

    for word in remove_ros_args(words):
        if ":=" in word:
            continue
        raise ParameterError(
            f"{word!r} is no argument of a node: after --ros-args, parameters are given as"
            " -p NAME:=VALUE and topics as -r NAME:=TOPIC"
        )


def _make(create):
    from rclpy.exceptions import NameValidationException, ParameterException

    try:
        return create()
    # A name is too long, most of all: rcl has read it before. The parameters are rclpy's own: of
    # ``use_sim_time: "true"`` it makes no bool.
    except (NameValidationException, ParameterException) as error:
        raise ParameterError(f"wrong ROS arguments: {names.reason(error)}") from None
    except RuntimeError as error:
        if type(error).__name__ != "RCLError":  # which rclpy gives no public name
            raise
        raise middleware.failure(names.reason(error)) from None


def init(args: list[str] | None, handlers) -> None:
    """Start ROS 2 with these arguments, by default the process's own, or raise TrackerError."""
    import rclpy

    arguments.check_words(sys.argv if args is None else args)
    try:
        rclpy.init(args=args, signal_handler_options=handlers)
    except Exception as error:  # a bad ROS argument or parameter file; rclpy has many types for it
        reason = str(error).splitlines()[0]
        if "logging" in reason:
            hint = "set ROS_LOG_DIR to a folder that can be written"
            raise TrackerError(f"ROS 2 cannot write its log; {hint}") from None
        raise ParameterError(f"wrong ROS arguments: {reason}") from None
