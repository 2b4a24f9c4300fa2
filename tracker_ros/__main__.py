"""``tracker-ros`` and ``python -m tracker_ros`` are ``python -m tracker_ros.commands``."""

import os
import runpy
import signal


def main() -> None:
    """Run a command. Before it is imported there is nothing that Ctrl-C could leave unfinished."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, lambda *_: os._exit(128 + signal.SIGINT))
    runpy.run_module("tracker_ros.commands", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
