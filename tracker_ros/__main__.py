"""``tracker-ros`` and ``python -m tracker_ros``."""

import os
import signal
import sys
from importlib import import_module


def main() -> int:
    """Run a command. Before it is imported there is nothing that Ctrl-C could leave unfinished."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, lambda *_: os._exit(128 + signal.SIGINT))
    return import_module("tracker_ros.commands").main()


if __name__ == "__main__":
    sys.exit(main())
